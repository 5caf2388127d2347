#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# With the daemon killed, files that were fetched stay readable through overlayfs, and stat
# works on all; what has to be fetched fails at once.
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
cmp "$WORK/tree/large" "$WORK/mnt/large"
stat "$WORK/objects/$(path_of large)" >/dev/null
stop_bg "$FETCH_PID" KILL
cmp "$WORK/tree/large" "$WORK/mnt/large"
find "$WORK/mnt" -printf '%s %m\n' >/dev/null
stat "$WORK/objects/$(path_of large)" >/dev/null
echo 3 >/proc/sys/vm/drop_caches
cmp "$WORK/tree/large" "$WORK/mnt/large"
assert_errno "ENOTCONN|ECONNABORTED" read "$WORK/mnt/size-4097"
