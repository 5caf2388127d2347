#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# cfs-store compress makes copies where it pays, once; a client of a mirror that has them
# takes those, and the object itself where there is none or it is wrong.  When an object
# goes, so does its copy.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_cmd nginx zstd
need_prog cfs-fetch cfs-serve cfs-store mkcomposefs

mkdir "$WORK/tree"
for i in $(seq 30); do
	seq "$i" $((i * 3000)) >"$WORK/tree/$i"
done
head -c 300000 /dev/urandom >"$WORK/tree/noise"
head -c 3000 /dev/zero >"$WORK/tree/small"
make_origin
cfs-store compress --level=3 --threads=1 --json "$ORIGIN" >"$WORK/json"
assert_eq "$(jq -c '[.made, .existed, .useless, .failed]' "$WORK/json")" "[31,0,1,0]" "first run, with the image"
cfs-store compress --level=3 --json "$ORIGIN" >"$WORK/json"
assert_eq "$(jq -c '[.made, .existed, .useless, .failed]' "$WORK/json")" "[0,31,1,0]" "second run"
assert_in zst "$ORIGIN/mirror"
zstd -q -dc <"$ORIGIN/zst/$(path_of 7)" | cmp - "$WORK/tree/7"

known() { [ "$(counter mirrors 0 offers)" = "['zst']" ]; }
start_nginx "$ORIGIN"
start_mirror
for url in "$NGINX_URL" "$SERVE_URL"; do
	rm -rf "$WORK/store"
	new_store "$WORK/store"
	start_fetch "$WORK/store" "$WORK/objects" --mirror "$url" --no-prefetch
	wait_for 10 known
	mount_lazily "$WORK/store"
	check compare-trees --hash "$WORK/tree" "$WORK/mnt"
	assert_eq "$(counter fetches expanded)" 30 "objects that came compressed"
	[ "$(counter mirrors 0 bytes)" -lt 2000000 ] || fail "that was not compressed"
	umount -l "$WORK/mnt" "$WORK/mnt.erofs"
	stop_bg "$FETCH_PID"
	cfs-store verify --full "$WORK/store" >/dev/null
done

# Wrong bytes, a bomb, and nothing at all.
rm "$ORIGIN/zst/$(path_of 3)" "$ORIGIN/zst/$(path_of 4)" "$ORIGIN/zst/$(path_of 5)"
seq 5 9000 | zstd -q >"$ORIGIN/zst/$(path_of 3)"
head -c 100M /dev/zero | zstd -q >"$ORIGIN/zst/$(path_of 4)"
rm -rf "$WORK/store"
new_store "$WORK/store"
for file in 3 4 5; do
	start_fetch "$WORK/store" "$WORK/objects" --mirror "$NGINX_URL" --no-prefetch
	wait_for 10 known
	cmp "$WORK/tree/$file" "$WORK/objects/$(path_of $file)"
	wrong=$(counter mirrors 0 results bad_digest 2>/dev/null || echo 0)
	assert_eq "$([ "$wrong" -gt 0 ] && echo yes || echo no)" "$([ $file = 5 ] && echo no || echo yes)" \
		"was the mirror blamed for $file"
	stop_bg "$FETCH_PID"
done

rm "$ORIGIN/objects/$(path_of 9)"
cfs-store compress --level=3 "$ORIGIN" >/dev/null
[ ! -e "$ORIGIN/zst/$(path_of 9)" ] || fail "a copy without its object"
