#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Through overlayfs with verity=require: an object with other bytes, without its seal or
# changed on the raw disk is EIO, never its bytes; a mirror that delivers other bytes
# leaves nothing in the store.
. "${0%/*}/../../e2e/lib.sh"
need_root
need_verity

make_tree "$WORK/tree"
make_store "$WORK/origin" "$WORK/tree" tree
objects=$WORK/origin/objects

# object FILE: where its bytes are.
object() { echo "$objects/$(object_path "$(fsverity digest --compact "$WORK/tree/$1")")"; }
mount_local() {
	mount_cfs "$WORK/origin/images/tree" "$WORK/mnt" \
		"basedir=$objects,digest=$IMAGE_DIGEST,backend=overlay"
}

mount_local
cmp "$WORK/tree/large" "$WORK/mnt/large"
umount "$WORK/mnt"

# Another file in its place: without a seal, and with a seal over other bytes.
unsealed=$(object size-4096)
cp --remove-destination "$WORK/tree/size-4096" "$unsealed.new"
mv "$unsealed.new" "$unsealed"
other=$(object size-4097)
head -c 4097 /dev/urandom >"$other.new"
fsverity enable "$other.new"
mv "$other.new" "$other"
mount_local
assert_errno EIO read "$WORK/mnt/size-4096"
assert_errno EIO read "$WORK/mnt/size-4097"
umount "$WORK/mnt"

# One byte of the third block, changed below the file system.
changed=$(object large)
sync -f "$changed"
disk=$(findmnt -no SOURCE -T "$changed")
block=$(filefrag -v "$changed" | awk '$1 == "0:" { gsub(/[.:]/, " "); print $4; exit }')
before=$(dd if="$changed" bs=4096 skip=2 count=1 status=none | sha256sum)
assert_eq "$(dd if="$disk" bs=4096 skip=$((block + 2)) count=1 status=none | sha256sum)" \
	"$before" "the block that is about to be changed"
printf X | dd of="$disk" bs=1 seek=$(((block + 2) * 4096 + 7)) conv=notrunc status=none
sync
echo 3 >/proc/sys/vm/drop_caches
mount_local
head -c 4096 "$WORK/mnt/large" | cmp - <(head -c 4096 "$WORK/tree/large")
assert_errno EIO read "$WORK/mnt/large"
grep -q 'FILE CORRUPTED' <(dmesg) || fail "the kernel said nothing about it"
cmp "$WORK/tree/twin-a" "$WORK/mnt/twin-a"
umount "$WORK/mnt"

# The same store as a mirror: what it delivers wrongly never enters another store.
start_serve "$WORK/origin"
mkdir "$WORK/store"
mount_cfs "$SERVE_URL/images/tree" "$WORK/mnt" \
	"store=$WORK/store,digest=$IMAGE_DIGEST,backend=overlay,deadline=5"
assert_errno 'EIO|ETIMEDOUT' read "$WORK/mnt/size-4097"
assert_errno 'EIO|ETIMEDOUT' read "$WORK/mnt/large"
cmp "$WORK/tree/twin-a" "$WORK/mnt/twin-a"
assert_eq "$(count_objects "$WORK/store")" 2 "objects: the image and the good one"
