#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a mount needs and what it holds on to: no store for what is in the image, the image's
# file but not its name, the module as long as anything of it is open; and afterwards
# nothing is left.
. "$(dirname "$0")/../module.sh"

mkdir src mnt elsewhere
head -c 100000 /dev/urandom >src/object
echo inline >src/inline
: >src/empty
mkcomposefs --digest-store=objects src img

# Without a basedir: all that the image itself has.
mount -t composefs img mnt
kernel_says "composefs mount without a basedir, all lookups will fail"
assert_eq "$(cat mnt/inline mnt/empty)" inline
assert_eq "$(stat -c %s mnt/object)" 100000
assert_eio cat mnt/object
umount mnt

# The image's name goes, the mount and a second open of its files stay.
cp img gone
mount -t composefs -o basedir=objects gone mnt
rm gone
drop_caches
cmp src/object mnt/object
grep -q " $WORK/mnt composefs " /proc/mounts || fail "it is not in /proc/mounts"
grep -q '^[^ ]*gone' /proc/mounts || fail "/proc/mounts: $(grep composefs /proc/mounts)"

# The module stays as long as a file is open, mounted or not.
rmmod composefs 2>err && fail "the module went away under a mount"
assert_in "in use" err
exec 3<mnt/object
umount mnt 2>err && fail "unmounted under an open file"
umount -l mnt
assert_eq "$(ls mnt)" "" "a tree after umount -l"
rmmod composefs 2>err && fail "the module went away under an open file"
cmp src/object - <&3
exec 3<&-

# An image must be in a page cache of its own file system.
mkdir upper work merged
mount -t tmpfs tmpfs elsewhere
cp img elsewhere/img
mount -t overlay -o lowerdir=objects,upperdir=upper,workdir=work overlay merged
cp img merged/img
for place in elsewhere merged; do
	out=$(fsmount mnt source=$place/img) && fail "an image of $place was mounted"
	[[ $out == *"without a page cache"* ]] || fail "$place: $out"
	assert_eq "$(tail -n 1 <<<"$out")" EINVAL "$place"
done
umount elsewhere merged

inodes() { awk '$1 == "composefs_inode" { print $2 }' /proc/slabinfo; }
for _ in $(seq 60); do
	mount -t composefs -o basedir=objects img mnt
	exec 3<mnt/object
	read -rn 1 -u 3 || true
	umount -l mnt
	exec 3<&-
done
wait_for 20 rmmod composefs
[ -z "$(inodes)" ] || fail "$(inodes) inodes are left"
