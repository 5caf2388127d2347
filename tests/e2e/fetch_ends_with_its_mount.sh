#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The daemon ends when its mount is unmounted; after a lazy detach, when the overlayfs
# mount that uses it is gone; and on SIGTERM, with the mount gone and the waiters answered.
# It never unmounts what somebody else has put in its place.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_fs erofs
need_fs overlay
need_prog cfs-fetch cfs-serve mkcomposefs cfs-store

gone() { ! kill -0 "$FETCH_PID" 2>/dev/null; }
exits_with() {
	local status=0

	wait_for 5 gone
	wait "$FETCH_PID" || status=$?
	assert_eq "$status" "$1" "exit status"
}

make_origin
new_store "$WORK/store"
start_mirror

start_fetch "$WORK/store" "$WORK/objects" --mirror "$SERVE_URL"
umount "$WORK/objects"
exits_with 0

start_fetch "$WORK/store" "$WORK/objects" --mirror "$SERVE_URL" --status-file "$WORK/status"
mount_lazily "$WORK/store"
umount -l "$WORK/objects"
cmp "$WORK/tree/large" "$WORK/mnt/large"
gone && fail "ended although its mount is in use"
umount "$WORK/mnt"
exits_with 0
cfs-fetch --status "$WORK/status" >"$WORK/status.txt"
assert_in "1 of " "$WORK/status.txt"
umount "$WORK/mnt.erofs"

silent_mirror
start_fetch "$WORK/store" "$WORK/objects" --mirror "$SILENT_URL"
check errno EIO open "$WORK/objects/$(path_of size-4097)" & waiter=$!
wait_for 5 counter_is 1 requests waiting
kill -TERM "$FETCH_PID"
wait "$waiter" || fail "the waiter did not get EIO"
exits_with 0
mountpoint -q "$WORK/objects" && fail "the mount is still there"

# Detached, and something else mounted there since.
start_fetch "$WORK/store" "$WORK/objects" --mirror "$SERVE_URL"
mount_lazily "$WORK/store"
umount -l "$WORK/objects"
mount -t tmpfs other "$WORK/objects"
kill -TERM "$FETCH_PID"
exits_with 0
mountpoint -q "$WORK/objects" || fail "it unmounted what was not its own"
