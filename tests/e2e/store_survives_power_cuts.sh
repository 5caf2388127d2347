#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# also: vm
# limit: 7200
#
# An operator's session on a disk whose writes are logged; then the power is cut at
# flushes and at random moments between them.  In the guest on ext4 with fs-verity, on
# this machine on a file system without it.
#
#	VM_CRASH_POINTS	crash points for each file system, default 400; in the guest 80
#	VM_CRASH_SEED	for trees and moments, default 1
#	VM_CRASH_FS	"ext4", "verity" (ext4), "xfs", "btrfs"; each if its tools are here
. "${0%/*}/lib.sh"
. "$CFS_TOP/tests/crash/crash_lib.sh"
need_root
need_fuse
need_prog log_disk replay_log
[ -e /dev/loop-control ] || skip "no loop devices"

seed=${VM_CRASH_SEED:-1}
points=${VM_CRASH_POINTS:-${CFS_GUEST:+80}}
DISK=/dev/shm/cfs-crash.$$
mkdir "$DISK"
at_exit rm -rf "$DISK"
crash_setup "$seed"

[ -n "${VM_CRASH_FS:-}" ] || VM_CRASH_FS=${CFS_GUEST:+verity}
for fs in ${VM_CRASH_FS:-ext4}; do
	start=$SECONDS
	case $fs in
	ext4) record_session 24M mke2fs -q -t ext4 -b 4096 ;;
	verity) record_session 24M mke2fs -q -t ext4 -b 4096 -O verity ;;
	xfs) record_session 320M mkfs.xfs -q ;;
	btrfs) record_session 120M mkfs.btrfs -q ;;
	*) fail "no file system '$fs'" ;;
	esac
	middle=$SECONDS
	type=$fs
	[ "$fs" != verity ] || type=ext4
	replay_session "$type" "$seed" "${points:-400}"
	echo "$fs: recorded in $((middle - start)) s, replayed in $((SECONDS - middle)) s"
done
