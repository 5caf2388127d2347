#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Somebody empties objects/ under a mount that is in use: what is open is read on, and the rest
# is fetched again.  With the folder itself gone an open fails, but never as if the file were
# not there, and once it is back everything is.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_prog cfs-fetch cfs-serve mkcomposefs cfs-store

make_origin
store=$WORK/store
new_store "$store"
start_mirror
start_fetch "$store" "$WORK/objects" --mirror "$SERVE_URL"
large=$WORK/objects/$(path_of large)
small=$WORK/objects/$(path_of size-4097)
cmp "$WORK/tree/large" "$large"
cmp "$WORK/tree/size-4097" "$small"

exec 3<"$large"
rm -rf "$store/objects"/*
cmp "$WORK/tree/large" - <&3
exec 3<&-
cmp "$WORK/tree/large" "$large"
cmp "$WORK/tree/size-4097" "$small"
assert_eq "$(count_objects "$store")" 2 "objects that came again"

rm -rf "$store/objects"
assert_errno EIO read "$large"
stop_bg "$FETCH_PID"
umount -l "$WORK/objects" 2>/dev/null || true
new_store "$store"
start_fetch "$store" "$WORK/objects" --mirror "$SERVE_URL"
cmp "$WORK/tree/large" "$large"
