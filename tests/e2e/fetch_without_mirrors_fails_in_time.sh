#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# No mirror: EHOSTUNREACH; a silent one: ETIMEDOUT; one that lacks the object: EIO at
# once.  Sixteen openers whose LOOKUPs queue up behind each other wait one deadline, not
# sixteen.  None of it is remembered: with a mirror there, the same open works.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_fs erofs
need_fs overlay
need_prog cfs-fetch cfs-serve mkcomposefs cfs-store

make_origin
new_store "$WORK/store"
object=$(path_of large)

# takes_ms MIN MAX COMMAND...
takes_ms() {
	local min=$1 max=$2 start_ms took_ms

	shift 2
	start_ms=$(now_ms)
	"$@"
	took_ms=$(($(now_ms) - start_ms))
	[[ $took_ms -ge $min && $took_ms -le $max ]] ||
		fail "took $took_ms ms, not $min to $max: $*"
}

start_fetch "$WORK/store" "$WORK/objects" --mirror "$(dead_url)" --deadline 1
takes_ms 900 6000 assert_errno EHOSTUNREACH open "$WORK/objects/$object"
stop_bg "$FETCH_PID"

silent_mirror
start_fetch "$WORK/store" "$WORK/objects" --mirror "$SILENT_URL" \
	--first-byte-timeout 0.4 --deadline 1.5
takes_ms 1400 6000 assert_errno ETIMEDOUT open "$WORK/objects/$object"
# Who comes within a second may be told what the one before was told.
sleep 1.1
mount_lazily "$WORK/store"
sixteen() {
	local pids=()

	for _ in {1..16}; do
		check errno "ETIMEDOUT|EHOSTUNREACH" open "$WORK/mnt/large" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || fail "an opener got no error, or another one"
	done
}
# Sixteen deadlines would be 24 s.
takes_ms 1400 15000 sixteen
assert_eq "$(counter fetches failed)" 2 "deadlines that passed, with the one before"
assert_eq "$(counter requests waiting)" 0 "requests that wait"
umount "$WORK/mnt" "$WORK/mnt.erofs"
stop_bg "$FETCH_PID"

start_mirror
start_fetch "$WORK/store" "$WORK/objects" --mirror "$SERVE_URL"
rm "$ORIGIN/objects/$object"
takes_ms 0 4000 assert_errno EIO open "$WORK/objects/$object"
assert_in "failed object=${object/\//}" "$FETCH_LOG"
make_store "$ORIGIN" "$WORK/tree" tree
cmp "$WORK/tree/large" "$WORK/objects/$object"
