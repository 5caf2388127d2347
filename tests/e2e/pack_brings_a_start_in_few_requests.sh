#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A mirror that has a pack of the image is asked for it, in a few requests instead of one
# for each object; a mirror without one is asked for objects, and --no-prefetch for nothing.
# Any web server with ranges can hold packs.  What is in the store already is skipped.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_cmd nginx
need_prog cfs-fetch cfs-serve cfs-store mkcomposefs

mkdir "$WORK/tree"
python3 - "$WORK/tree" <<'END'
import random, sys
random.seed(5)
words = [random.randbytes(6).hex() for _ in range(3000)]
for i in range(400):
    n = random.choice((20, 200, 2000, 20000)) if i else 1500000
    with open(f"{sys.argv[1]}/{i:03}", "w") as out:
        out.write(" ".join(random.choice(words) for _ in range(n)))
END
make_origin
for i in $(seq 0 2 398); do
	composefs-info measure-file "$WORK/tree/$(printf %03d "$i")"
done >"$WORK/profile"
cfs-store pack --profile="$WORK/profile" --level=3 "$ORIGIN" tree
start_nginx "$ORIGIN"
start_mirror

packs() { grep -c "GET.*/packs/" "$1"; }
pack_is_in() { grep -q '^[^ ]* pack .*result=ok' "$FETCH_LOG"; }
log_has() { grep -q "$2" "$1"; }

declare -A urls=([nginx]=$NGINX_URL [serve]=$SERVE_URL)
declare -A logs=([nginx]=$NGINX_ACCESS [serve]=$SERVE_ACCESS)
for server in nginx serve; do
	url=${urls[$server]}
	log=${logs[$server]}
	store=$WORK/store.$server
	new_store "$store"
	start_fetch "$store" "$WORK/objects" --mirror "$url"
	wait_for 60 pack_is_in
	assert_eq "$(counter fetches delivered)" 200 "objects out of the pack ($server)"
	wait_for 10 log_has "$log" /packs/
	assert_eq "$(check gets "$log" /objects/)" 0 "GETs of objects ($server)"
	[ "$(packs "$log")" -le 9 ] || fail "$(packs "$log") GETs of the pack"
	cfs-store verify --full "$store" >/dev/null
	mount_lazily "$store"
	check compare-trees --hash "$WORK/tree" "$WORK/mnt"
	umount -l "$WORK/mnt" "$WORK/mnt.erofs"
	stop_bg "$FETCH_PID"
done

# All of it is here: the index, and no more than what comes with it.
: >"$FETCH_LOG"
start_fetch "$WORK/store.serve" "$WORK/objects" --mirror "$NGINX_URL"
wait_for 20 pack_is_in
assert_eq "$(counter fetches delivered)" 0 "objects out of the pack, again"
stop_bg "$FETCH_PID"

: >"$NGINX_ACCESS"
start_fetch "$WORK/store.serve" "$WORK/objects" --mirror "$NGINX_URL" --no-prefetch
asked() { log_has "$NGINX_ACCESS" /mirror; }
wait_for 10 asked
sleep 0.2
assert_eq "$(packs "$NGINX_ACCESS" || true)" 0 "GETs of packs with --no-prefetch"
