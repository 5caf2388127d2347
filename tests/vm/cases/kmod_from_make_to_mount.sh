#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 200
#
# What README.md says under "The kernel module", run as it stands there: from `make` to a
# mount whose every page is checked.  Only the names of the tree and of the mount point
# are this case's.
. "$(dirname "$0")/../module.sh"

[ -e "$KERNEL_DIR/modules" ] || skip "the debug kernel is no package with headers and modules"
rmmod composefs
release=$(uname -r)

# over DIR PLACE: DIR, writable, at PLACE.
over() {
	mkdir -p "$WORK/upper$2" "$WORK/work$2"
	mount -t overlay -o "lowerdir=$1,upperdir=$WORK/upper$2,workdir=$WORK/work$2" overlay "$2"
}

# As on a machine with this kernel and its headers.  The kernel's own modules are left
# out: depmod would take minutes here.  Ours has been built before, with these arguments, so
# that make finds little to do.
over /usr/lib /usr/lib
mkdir -p "/lib/modules/$release"
cp "$KERNEL_DIR"/modules/modules.{builtin,builtin.modinfo,order} "/lib/modules/$release/"
ln -sfn "$(realpath "$KERNEL_DIR/build")" "/lib/modules/$release/build"
over "$CFS_BUILD/kmod-$CFS_KERNEL" "$CFS_BUILD/kmod-$CFS_KERNEL"
ln -s "$CFS_BUILD/kmod-$CFS_KERNEL" kmod
export MAKEFLAGS="-- CC=gcc-12 CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT= CONFIG_DEBUG_INFO_BTF_MODULES="

mkdir mnt
python3 "$E2E/tree.py" tree
awk '/^### / { here = $0 ~ /The kernel module/ } here && sub(/^    /, "")' \
	"$CFS_TOP/README.md" | sed "s#ROOTFS#tree#; s#/mnt#$WORK/mnt#" >steps
cat steps
[ "$(grep -c . steps)" -ge 5 ] || fail "README.md has lost the steps"
bash -exo pipefail steps >out 2>&1 || fail "$(cat out)"
assert_in ",verity_check=2" out
check compare-trees --hash tree mnt
umount mnt
rmmod composefs
