#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# --complete brings in all the rest and says when it has; from then on the mirror may be
# gone and the fetcher too, and the whole tree is readable.  --complete-rate holds it
# back; a reader does not wait for it.
# also: address
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_fs erofs
need_fs overlay
need_prog cfs-fetch cfs-serve mkcomposefs cfs-store

make_origin
start_mirror
new_store "$WORK/slow"
start_fetch "$WORK/slow" "$WORK/objects" --mirror "$SERVE_URL" --complete --complete-rate 1
wait_for 10 counter_is running ahead complete
mount_lazily "$WORK/slow"
cmp "$WORK/tree/size-4095" "$WORK/mnt/size-4095"
[ "$(counter total present_objects)" -lt "$(counter total objects)" ] ||
	fail "complete at a byte a second"
umount "$WORK/mnt" "$WORK/mnt.erofs"
stop_bg "$FETCH_PID"

# Something that nobody but the survey can know of: it is in the store already.
new_store "$WORK/store"
path=$(path_of large)
mkdir -p "$WORK/store/objects/${path%/*}"
cp "$ORIGIN/objects/$path" "$WORK/store/objects/$path"
start_fetch "$WORK/store" "$WORK/objects" --mirror "$SERVE_URL" --complete
wait_for 20 counter_is complete ahead complete
objects=$(counter total objects)
assert_eq "$(counter total present_objects)" "$objects" "objects in the store"
assert_eq "$(counter total present_bytes)" "$(counter total bytes)" "bytes in the store"
if ! has_verity "$WORK"; then
	assert_eq "$(counter fetches objects)" $((objects - 1)) "objects fetched"
fi
cfs-fetch status "$WORK/objects" >"$WORK/text"
assert_in "complete, no network is needed" "$WORK/text"

stop_bg "$SERVE_PID"
mount_lazily "$WORK/store"
check compare-trees --hash "$WORK/tree" "$WORK/mnt"
assert_eq "$(counter requests misses)" 0 "misses when complete"
stop_bg "$FETCH_PID" KILL
umount "$WORK/mnt" "$WORK/mnt.erofs"
mount_by_hand "$WORK/store/images/tree" "$WORK/mnt" "$WORK/store/objects"
check compare-trees --hash "$WORK/tree" "$WORK/mnt"
