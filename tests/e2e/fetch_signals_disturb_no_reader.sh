#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A reader that waits while it gets thousands of handled signals sees nothing of them;
# when one of the storm's readers is killed in the end, it is gone in time all the same.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_fs erofs
need_fs overlay
need_prog cfs-fetch cfs-serve mkcomposefs cfs-store

make_origin
new_store "$WORK/store"
start_mirror
start_fetch "$WORK/store" "$WORK/objects" --mirror "$SERVE_URL"
mount_lazily "$WORK/store"

kill -STOP "$SERVE_PID"
python3 "$E2E/raw_open.py" "$WORK/objects/$(path_of large)" --storm >"$WORK/open" &
pids=($!)
python3 "$E2E/raw_open.py" "$WORK/mnt/size-4097" --storm >"$WORK/lookup" &
pids+=($!)
python3 "$E2E/raw_open.py" "$WORK/objects/$(path_of large)" --storm >"$WORK/killed" &
killed=$!
wait_for 10 counter_is 3 requests waiting
wait_for 10 counter_is 3 requests interrupts
sleep 2
start_ms=$(now_ms)
kill -KILL "$killed"
wait "$killed" 2>/dev/null || true
took_ms=$(($(now_ms) - start_ms))
[ "$took_ms" -le 150 ] || fail "the killed reader was there for $took_ms ms more"
assert_eq "$(counter requests waiting)" 2 "readers that wait"
kill -CONT "$SERVE_PID"
wait "${pids[@]}"
assert_eq "$(cat "$WORK/open")" "ok $(stat -c %s "$WORK/tree/large")" "open in aa/"
assert_eq "$(cat "$WORK/lookup")" "ok 4097" "open through overlayfs"
assert_eq "$(cat "$WORK/killed")" "" "what the killed one said"
