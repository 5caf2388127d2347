#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 900
#
# A Debian root file system, mounted over HTTP with an empty store, is its source: every
# name, its metadata, and the bytes of every file.  Metadata alone fetches nothing.
# With the server gone, a second mount with the same store still has all of it.
. "${0%/*}/lib.sh"
need_root
need_fuse
root=$(debian_root)

debian_store
start_serve "$DEBIAN_STORE"
options=store=$WORK/store,digest=$IMAGE_DIGEST,tryverity
mkdir "$WORK/store"

mount_cfs "$SERVE_URL/images/debian" "$WORK/mnt" "$options"
check compare-trees "$root" "$WORK/mnt"
assert_eq "$(count_objects "$WORK/store")" 1 "objects in the store after a look at all metadata"

check compare-trees --hash "$root" "$WORK/mnt"
assert_eq "$(count_objects "$WORK/store")" "$(count_objects "$DEBIAN_STORE")" "objects fetched"
umount "$WORK/mnt"
wait_for 10 eval '! pgrep -x cfs-fetch >/dev/null'

stop_bg "$SERVE_PID"
mount_cfs "$SERVE_URL/images/debian" "$WORK/mnt" "$options"
check compare-trees --hash "$root" "$WORK/mnt"
