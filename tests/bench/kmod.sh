#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# kmod.sh [KERNEL [TREE]]: a real tree through composefs.ko, beside the same tree on
# ext4, in EROFS + overlayfs as the existing tools mount it, and in an EROFS that holds
# the data itself.  All in one guest, in turns; objects have fs-verity and both
# composefs mounts check it.
#
# Counts instructions (qemu -icount: a nanosecond of the guest's is one instruction), so
# that the load of this machine does not matter.  Where the work waits for the disk, the
# instructions of the reading process are counted and the clock is shown beside them.
#
#	KERNEL	6.12 (default) or newest
#	TREE	default: the Debian root of the tests
#	RUNS	rounds, default 3
#
# The disk is made once and kept in $CFS_CACHE/bench-kmod/; remove that for a new one.
set -eEuo pipefail
shopt -s inherit_errexit
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../suite.sh"
CFS_BUILD=$(realpath "${CFS_BUILD:-$here/../../build}")
export CFS_BUILD

kernel=${1:-6.12}
tree=${2:-$("$here/../debian-root.sh")}
dir=$CFS_CACHE/bench-kmod
disk=$dir/disk.img

in_guest() {
	CFS_VM_NAME=bench-$kernel CFS_VM_DISK_FILE=$1 CFS_CASE_LIMIT=7200 CFS_VM_LIMIT=7500 CFS_VM_MEMORY=2G \
		"$here/../vm/boot.sh" "$kernel" "$here/$2"
}

make_disk() {
	local staging=$dir/staging

	mkdir -p "$staging/tree"
	mkfs.erofs --quiet "$staging/plain.erofs" "$tree"
	truncate -s 8G "$disk.new"
	# The tree as it is, without copying it first.
	unshare --mount --propagation private bash -ec '
		mount --bind "$1" "$2/tree"
		mke2fs -q -t ext4 -O verity -b 4096 -d "$2" "$3"' - "$tree" "$staging" "$disk.new"
	in_guest "$disk.new" kmod_seal.sh
	rm -rf --one-file-system "$staging"
	mv "$disk.new" "$disk"
}

"$here/../vm/fetch-kernels.sh" "$kernel"
"$here/../vm/build-module.sh" "$kernel" >/dev/null
[ -e "$disk" ] || make_disk
export VM_RUNS=${RUNS:-3}
CFS_VM_SMP=1 CFS_VM_ACCEL=tcg,thread=single CFS_VM_QEMU="-icount shift=0" \
	in_guest "$disk" kmod_measure.sh
grep -v '^#' "$CFS_BUILD/vm/bench-$kernel/kmod_measure.log" | python3 "$here/kmod_report.py"
