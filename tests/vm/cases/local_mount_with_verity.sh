#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 300
#
# A local image with verity_check 1 and 2 and digest=: the tree is its source, and what
# has lost its seal, or has another one, can't be opened.
# dmesg: overlayfs: .*(has no fs-verity digest|wrong digest|has wrong size|verity)
. "${0%/*}/../../e2e/lib.sh"
need_root
need_verity

mkdir "$WORK/tree"
head -c 100000 /dev/urandom >"$WORK/tree/large"
echo small >"$WORK/tree/small"
make_store "$WORK/store" "$WORK/tree" tree
image=$WORK/store/images/tree
options=basedir=$WORK/store/objects,backend=overlay

for check in "digest=$IMAGE_DIGEST" verity tryverity verity_check=1 "verity_check=1,digest=$IMAGE_DIGEST"; do
	mount_cfs "$image" "$WORK/mnt" "$options,$check" 2>"$WORK/err"
	assert_eq "$(cat "$WORK/err")" "" "what it has to say"
	grep " $WORK/mnt " /proc/mounts >"$WORK/mounted"
	case $check in
	verity_check=1*) assert_in verity=on "$WORK/mounted" ;;
	*) assert_in verity=require "$WORK/mounted" ;;
	esac
	diff -r "$WORK/tree" "$WORK/mnt"
	umount "$WORK/mnt"
done

# An image that has lost its seal is not believed, whatever its bytes are.
cp "$image" "$WORK/copy"
assert_fails mount.composefs "$WORK/copy" "$WORK/mnt" -o "$options,digest=$IMAGE_DIGEST" 2>"$WORK/err"
assert_in "mount.composefs: Image has no fs-verity" "$WORK/err"
mount.composefs "$WORK/copy" "$WORK/mnt" -o "$options,digest=$IMAGE_DIGEST,verity_check=0"
umount "$WORK/mnt"
pinned=$options,digest=$IMAGE_DIGEST,verity_check=0,image_verity
assert_fails mount.composefs "$WORK/copy" "$WORK/mnt" -o "$pinned" 2>"$WORK/err"
assert_in "mount.composefs: Image has no fs-verity" "$WORK/err"
mount.composefs "$image" "$WORK/mnt" -o "$pinned"
umount "$WORK/mnt"
other=$(printf '%064d' 0)
assert_fails mount.composefs "$image" "$WORK/mnt" -o "$options,digest=$other" 2>"$WORK/err"
assert_in "mount.composefs: Image has wrong fs-verity" "$WORK/err"
assert_in "not $other" "$WORK/err"

# Nor is an object: the same bytes unsealed, other bytes sealed.
object=$WORK/store/objects/$(object_path "$(fsverity digest --compact "$WORK/tree/large")")
for how in unsealed other; do
	cp "$object" "$WORK/$how"
	[ "$how" = unsealed ] || { printf x | dd of="$WORK/$how" conv=notrunc status=none && fsverity enable "$WORK/$how"; }
	mv "$object" "$WORK/kept"
	mv "$WORK/$how" "$object"
	for check in verity verity_check=1; do
		mount_cfs "$image" "$WORK/mnt" "$options,$check"
		assert_errno EIO read "$WORK/mnt/large"
		umount "$WORK/mnt"
	done
	rm "$object"
	mv "$WORK/kept" "$object"
done
