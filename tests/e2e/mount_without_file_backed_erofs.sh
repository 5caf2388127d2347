#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Where the kernel can't mount the image file itself (it lies on overlayfs), a loop
# device is made; it is gone after umount.
. "${0%/*}/lib.sh"
need_root
need_fs erofs
need_fs overlay
[ -e /dev/loop-control ] || skip "no loop devices"

make_tree "$WORK/tree"
make_store "$WORK/store" "$WORK/tree" tree
mkdir "$WORK/lower" "$WORK/upper" "$WORK/work" "$WORK/over"
mount -t overlay over -o "lowerdir=$WORK/lower,upperdir=$WORK/upper,workdir=$WORK/work" "$WORK/over"
cp "$WORK/store/images/tree" "$WORK/over/image"

before=$(losetup -n -O NAME | sort)
mount_cfs "$WORK/over/image" "$WORK/mnt" "basedir=$WORK/store/objects"
check compare-trees --hash "$WORK/tree" "$WORK/mnt"
[ "$(losetup -n -O NAME | sort)" != "$before" ] || fail "no loop device: this tests nothing"
umount "$WORK/mnt"
same() { [ "$(losetup -n -O NAME | sort)" = "$before" ]; }
wait_for 5 same
