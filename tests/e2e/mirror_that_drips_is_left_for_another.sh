#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The first mirror answers at once and then takes a minute for each body, whatever it is; the
# second one is as quick as any.  Readers do not wait for the first one, which is soon
# asked no more: small objects, compressed ones, large ones in parts with trees and without,
# and cfs-seed.  Alone it will do.
# limit: 200
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_prog cfs-fetch cfs-serve cfs-seed cfs-store mkcomposefs

mkdir "$WORK/tree"
for i in {10..49}; do
	head -c 100000 /dev/urandom >"$WORK/tree/$i"
done
head -c 3000000 /dev/zero | tr "\0" x >"$WORK/tree/text"
head -c $((20 << 20)) /dev/urandom >"$WORK/tree/big"
head -c $((20 << 20)) /dev/urandom >"$WORK/tree/huge"
make_origin
cfs-store trees "$ORIGIN" >/dev/null
cfs-store compress "$ORIGIN" >/dev/null
start_mirror

SLOW_PORT=$(free_port)
SLOW=http://127.0.0.1:$SLOW_PORT
start_bg "$WORK/slow.log" python3 "$E2E/faultd.py" --store "$ORIGIN" --listen "$SLOW_PORT"
wait_port "$SLOW_PORT"
slow_says() {
	printf '%s\n' "$@" | curl -sf -o /dev/null --data-binary @- "$SLOW/-/rules"
	curl -sf -o /dev/null -X POST "$SLOW/-/reset"
}
# GETs that the slow mirror has seen, of all but its mirror file.
slow_gets() {
	curl -sf "$SLOW/-/stats" | python3 -c '
import json, sys
gets = json.load(sys.stdin)["gets"]
print(sum(n for url, n in gets.items() if url != "/mirror"))'
}
read_all() {
	local file

	for file; do
		cmp "$WORK/tree/$file" "$WORK/objects/$(path_of "$file")"
	done
}
export -f read_all path_of object_path
export ORIGIN

# Half a minute for what takes an hour and a half from the slow one.
read_in_time() { timeout 40 bash -c 'read_all "$@"' - "$@" || fail "late: $*"; }

for offers in "" verity zst; do
	rm -f "$ORIGIN/mirror"
	[ -z "$offers" ] || printf 'composefs-mirror 1\n%s\n' "$offers" >"$ORIGIN/mirror"
	slow_says "/(objects|zst|verity)/ trickle s=60" "/mirror ok"
	new_store "$WORK/store-$offers"
	start_fetch "$WORK/store-$offers" "$WORK/objects" --mirror "$SLOW" --mirror "$SERVE_URL"
	read_in_time {10..29} text big {30..49} huge
	gets=$(slow_gets)
	[ "$gets" -lt 30 ] || fail "$gets GETs of the mirror that is slow"
	stop_bg "$FETCH_PID"
done

# cfs-seed asks both for many at once, and then the quick one.
rm -f "$ORIGIN/mirror"
slow_says "/objects/ trickle s=60"
timeout 40 cfs-seed --store="$WORK/seeded" --mirror="$SLOW" --mirror="$SERVE_URL" tree ||
	fail "cfs-seed waits for the slow mirror"

# The only one, and it is not that slow.
slow_says "/objects/ trickle s=2"
new_store "$WORK/alone"
start_fetch "$WORK/alone" "$WORK/objects" --mirror "$SLOW"
read_all 10 11
assert_eq "$(slow_gets)" 2 "GETs of the only mirror"
