#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A local image, mounted from one folder of objects, is its source: names, metadata,
# bytes.  /proc/mounts shows where the objects are and which image is pinned.
# also: address
. "${0%/*}/lib.sh"
need_root
need_fs erofs
need_fs overlay

make_tree "$WORK/tree"
make_store "$WORK/store" "$WORK/tree" tree
options=basedir=$WORK/store/objects,backend=overlay

mount_cfs "$WORK/store/images/tree" "$WORK/mnt" "$options"
check compare-trees --hash "$WORK/tree" "$WORK/mnt"
assert_in "$WORK/store/images/tree $WORK/mnt overlay ro," /proc/mounts
assert_in "datadir+=$WORK/store/objects" /proc/mounts
assert_fails touch "$WORK/mnt/new"
umount "$WORK/mnt"

mount_cfs "$WORK/store/images/tree" "$WORK/mnt" "$options,digest=$IMAGE_DIGEST,tryverity"
check compare-trees --hash "$WORK/tree" "$WORK/mnt"
assert_in "composefs-$IMAGE_DIGEST" /proc/mounts
