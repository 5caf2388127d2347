#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the composefs of 2022 showed its users, command by command.  Only the files
# are longer: contents of up to 64 bytes are part of an image today.
. "$(dirname "$0")/../module.sh"

mkdir rootfs mnt
for name in a b; do
	for _ in $(seq 20); do echo "content_$name"; done >rootfs/file-$name
done

mkcomposefs --digest-store=objects rootfs rootfs.img
object=objects/$(composefs-info objects rootfs.img | head -n 1)
assert_eq "$(find objects -type f | wc -l)" 2 "objects"

mount -t composefs -o basedir=objects rootfs.img mnt
assert_eq "$(ls mnt)" "file-a
file-b"
assert_eq "$(head -n 1 mnt/file-a)" content_a
cmp rootfs/file-a mnt/file-a
cmp rootfs/file-b mnt/file-b
umount mnt

# Objects are checked as they are opened.
mount -t composefs -o basedir=objects,verity_check=2 rootfs.img mnt
assert_eq "$(head -n 1 mnt/file-a)" content_a
(echo modified >"$object") 2>/dev/null && fail "an object with fs-verity could be written"
rm -f "$object"
echo modified >"$object"
bad=file-a
cmp -s rootfs/file-a mnt/file-a && bad=file-b
assert_eio cat "mnt/$bad"
kernel_says "composefs"
kernel_says "backing file '${object#objects/}'"
umount mnt

# The same size, but no fs-verity.
cp "rootfs/$bad" "$object"
mount -t composefs -o basedir=objects,verity_check=2 rootfs.img mnt
assert_eio cat "mnt/$bad"
kernel_says "has no fs-verity digest"
umount mnt
fsverity enable "$object"

# An image is trusted by its digest.
fsverity enable rootfs.img
digest=$(fsverity measure rootfs.img)
digest=${digest#sha256:}
digest=${digest%% *}
mount -t composefs -o "basedir=objects,digest=$digest" rootfs.img mnt
grep -q "digest=$digest,verity_check=2" /proc/mounts || fail "/proc/mounts: $(grep mnt /proc/mounts)"
cmp rootfs/file-a mnt/file-a
cmp rootfs/file-b mnt/file-b
umount mnt
mount -t composefs -o "basedir=objects,digest=$(echo "$digest" | tr 0-9 1-90)" rootfs.img mnt 2>err &&
	fail "another digest was accepted"
assert_eq "$(findmnt -n mnt || true)" "" "mounted after all"

# One bit of the metadata makes it another image, sealed or not.
cp rootfs.img changed.img
name=$(grep -abo file-a changed.img | head -n 1 | cut -d : -f 1)
printf F | dd of=changed.img bs=1 seek="$name" conv=notrunc status=none
mount -t composefs -o "basedir=objects" changed.img mnt
umount mnt
mount -t composefs -o "basedir=objects,digest=$digest" changed.img mnt 2>err &&
	fail "digest= was accepted for a changed image without fs-verity"
fsverity enable changed.img
mount -t composefs -o "basedir=objects,digest=$digest" changed.img mnt 2>err &&
	fail "digest= was accepted for another image"

cp rootfs.img unsealed.img
mount -t composefs -o "basedir=objects,digest=$digest" unsealed.img mnt 2>err &&
	fail "digest= was accepted for an image without fs-verity"
true
