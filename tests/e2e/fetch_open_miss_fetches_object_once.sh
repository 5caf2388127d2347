#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sixteen processes open one cold object at once.  All of them read the right bytes,
# and the mirror sees exactly one GET.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_prog cfs-fetch cfs-serve mkcomposefs cfs-store

make_origin
new_store "$WORK/store"
start_mirror
start_fetch "$WORK/store" "$WORK/objects" --mirror "$SERVE_URL"
object=$(path_of large)

kill -STOP "$SERVE_PID"
pids=()
for _ in {1..16}; do
	cmp "$WORK/tree/large" "$WORK/objects/$object" &
	pids+=($!)
done
wait_for 10 counter_is 16 requests waiting
kill -CONT "$SERVE_PID"
for pid in "${pids[@]}"; do
	wait "$pid" || fail "a reader got other bytes"
done
assert_gets 1
assert_eq "$(counter requests waiting)" 0 "requests that wait"
assert_eq "$(counter fetches objects)" 1 "objects fetched"
cmp "$WORK/tree/large" "$WORK/store/objects/$object"

# The next one finds it in the store.
cmp "$WORK/tree/large" "$WORK/objects/$object"
stop_bg "$SERVE_PID"
assert_gets 1
assert_eq "$(counter total fetched_objects)" 1 "objects counted as fetched"
assert_in "fetched object=${object/\//}" "$FETCH_LOG"
