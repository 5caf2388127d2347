#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# overlayfs with an upper layer on top of composefs.ko, as containers use it: read,
# write, copy up, rename, remove; and one layer more is refused.
. "$(dirname "$0")/../module.sh"

mkdir mnt upper work merged empty o1 o2
python3 "$E2E/tree.py" tree
mkcomposefs --digest-store=objects tree img
mount -t composefs -o basedir=objects,verity_check=2 img mnt
chmod --reference=mnt upper
chown --reference=mnt upper
touch --reference=mnt upper
mount -t overlay -o lowerdir=mnt,upperdir=upper,workdir=work overlay merged
check compare-trees --hash mnt merged
echo more >>merged/large
cmp -n "$(stat -c %s tree/large)" tree/large merged/large
assert_eq "$(tail -c 5 merged/large)" more
mv merged/size-4096 merged/renamed
cmp tree/size-4096 merged/renamed
rm merged/size-4097
assert_fails stat merged/size-4097 2>/dev/null
mkdir merged/new
cp merged/twin-a merged/new/
readway mmap-shared merged/twin-a | cmp - tree/twin-a
readway splice merged/twin-a | cmp - tree/twin-a
cmp tree/large mnt/large
mount -t overlay -o lowerdir=merged:empty overlay o1 2>/dev/null && fail "three stacked file systems"
umount merged mnt
