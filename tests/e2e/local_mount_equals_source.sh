#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 300
# also: address
#
# An image and its objects, put together by nothing but EROFS and overlayfs, are the tree
# that they were made of: one of everything, and a real root file system.
. "${0%/*}/lib.sh"
need_root
need_fs erofs
need_fs overlay

make_tree "$WORK/tree"
make_store "$WORK/store" "$WORK/tree" tree
mount_by_hand "$WORK/store/images/tree" "$WORK/mnt" "$WORK/store/objects"
check compare-trees --hash "$WORK/tree" "$WORK/mnt"
umount "$WORK/mnt" "$WORK/mnt.erofs"

root=$(debian_root)
debian_store
mount_by_hand "$DEBIAN_STORE/images/debian" "$WORK/mnt" "$DEBIAN_STORE/objects"
check compare-trees --hash "$root" "$WORK/mnt"
