#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Readers wait; then cfs-fetch is stopped for longer than the deadline and all other
# limits, and goes on: they get their objects, also if every connection was lost
# meanwhile.  The same for cfs-seed.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_prog cfs-fetch cfs-seed mkcomposefs cfs-store

mkdir "$WORK/tree"
for i in 1 2 3 4 5 6 7 8; do head -c $((5000 + i)) /dev/urandom >"$WORK/tree/$i"; done
make_origin
new_store "$WORK/store"
new_store "$WORK/other"

# start_slow_mirror PORT: each object comes after 1 s.
start_slow_mirror() {
	start_bg "$WORK/faultd.log" python3 "$E2E/faultd.py" --store "$ORIGIN" --listen "$1" \
		"/objects/ slow s=1"
	SLOW_PID=$BG_PID
	wait_port "$1"
}

port=$(free_port)
start_slow_mirror "$port"
limits=(--deadline 4 --connect-timeout 4 --first-byte-timeout 4 --mirror "http://127.0.0.1:$port")
start_fetch "$WORK/store" "$WORK/objects" --no-prefetch "${limits[@]}"

# read_all FILE...: from $WORK/objects, all at once.
read_all() {
	local file pids=() pid

	for file; do
		cmp "$WORK/tree/$file" "$WORK/objects/$(path_of "$file")" & pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid" || return 1; done
}

read_all 1 2 3 4 & readers=$!
wait_for 5 counter_is 4 fetches in_flight
kill -STOP "$FETCH_PID"
sleep 5
kill -CONT "$FETCH_PID"
wait "$readers" || fail "readers failed after a pause"

# The mirror was started anew in the pause: whatever was under way is lost.
read_all 5 6 7 8 & readers=$!
wait_for 5 counter_is 4 fetches in_flight
kill -STOP "$FETCH_PID"
stop_bg "$SLOW_PID"
start_slow_mirror "$port"
sleep 5
kill -CONT "$FETCH_PID"
wait "$readers" || { cat "$FETCH_LOG" "$WORK/faultd.log" >&2; fail "readers failed after a pause in which connections were lost"; }

cfs-seed --store "$WORK/other" "${limits[@]}" tree >"$WORK/seed.log" 2>&1 & seed=$!
sleep 0.7
kill -STOP "$seed"
sleep 5
kill -CONT "$seed"
wait "$seed" || { cat "$WORK/seed.log"; fail "cfs-seed failed after a pause"; }
