#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# As soon as the index of a pack is here its parts are asked for, all at the same time:
# none waits for a GET that a reader had sent before, nor for another one of them; neither
# do those that were to come with the index, if that connection breaks.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_prog cfs-fetch cfs-store mkcomposefs

mkdir "$WORK/tree"
for i in $(seq 100 219); do
	head -c 100000 /dev/urandom >"$WORK/tree/$i"
done
echo "not in the pack, and more than an image holds itself: $(seq 100)" >"$WORK/tree/other"
make_origin
for i in $(seq 100 219); do
	composefs-info measure-file "$WORK/tree/$i"
done >"$WORK/profile"
cfs-store pack --profile="$WORK/profile" --level=1 "$ORIGIN" tree >/dev/null
pack_is_in() { grep -q '^[^ ]* pack .*result=ok' "$FETCH_LOG"; }

# with_server N [CUT]: as late_objects.py has it.
with_server() {
	local port

	port=$(free_port)
	start_bg "$WORK/server.log" python3 "$E2E/late_objects.py" "$port" "$ORIGIN" "$@"
	wait_port "$port"
	new_store "$WORK/store.$1"
	start_fetch "$WORK/store.$1" "$WORK/objects" --mirror "http://127.0.0.1:$port"
	cmp "$WORK/objects/$(path_of other)" "$WORK/tree/other"
	wait_for 60 pack_is_in
	assert_eq "$(counter fetches delivered)" 120 "objects out of the pack"
	assert_eq "$(grep -c '" 503 ' "$WORK/server.log" || true)" 0 "requests that waited in vain"
	stop_bg "$FETCH_PID"
}

with_server 3
with_server 4 500000
