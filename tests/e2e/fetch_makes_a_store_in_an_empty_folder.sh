#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A folder that was made for the store, and is empty, is all that cfs-fetch needs.  Without
# an image there is nothing that could be complete.
. "${0%/*}/lib.sh"
need_root
need_fuse
need_prog mkcomposefs cfs-fetch cfs-serve

mkdir -m 700 "$WORK/tree" "$WORK/store"
seq 5000 >"$WORK/tree/file"
make_store "$WORK/origin" "$WORK/tree" app
start_serve "$WORK/origin" --unsealed
start_fetch "$WORK/store" "$WORK/objects" --mirror "$SERVE_URL" --any
digest=$(composefs-info measure-file "$WORK/tree/file")
cmp "$WORK/tree/file" "$WORK/objects/$(object_path "$digest")"
[ -f "$WORK/store/objects/$(object_path "$digest")" ] || fail "it is not in the store"
umount "$WORK/objects"
stop_bg "$FETCH_PID"
rm -rf "$WORK/store"
mkdir -m 700 "$WORK/store"
start_fetch "$WORK/store" "$WORK/objects" --mirror "$SERVE_URL"
cfs-fetch status "$WORK/objects" >"$WORK/status"
assert_in "no image is named in images/" "$WORK/status"
! grep -q "no network is needed" "$WORK/status" || fail "complete without an image"
umount "$WORK/objects"
