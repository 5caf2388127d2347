#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Whatever stands in an object's place, and whatever changes on the disk below: EIO or
# the right bytes, by every way of reading.
. "$(dirname "$0")/../module.sh"

mkdir src mnt
for n in 1 2 3 4 5 6 7 8 9; do
	head -c $((300000 + n)) /dev/urandom >src/$n
done
mkcomposefs --digest-store=objects src img
cp -a objects good
object() {
	local digest

	digest=$(fsverity digest --compact "src/$1")
	echo "objects/${digest:0:2}/${digest:2}"
}
mount_checked() { mount -t composefs -o "basedir=objects,verity_check=$1" img mnt; }

# --- another thing in its place ---
replace() { rm -rf "$(object "$1")"; }
replace 1; cp src/1 "$(object 1)"					# no fs-verity
replace 2; head -c 300002 /dev/urandom >"$(object 2)"; fsverity enable "$(object 2)"	# other bytes
replace 3; ln -s "$WORK/src/3" "$(object 3)"
replace 4; mkfifo "$(object 4)"
replace 5; mknod "$(object 5)" b 259 0
replace 6; mkdir "$(object 6)"
replace 7; cp src/7 "$(object 7)"; echo >>"$(object 7)"; fsverity enable "$(object 7)"	# size
replace 8; ln "$(object 9)" "$(object 8)"				# another object
mount_checked 2
for n in 1 2 3 4 5 6 7 8; do
	for way in read mmap-private direct; do
		assert_fails timeout 10 readway $way mnt/$n >out 2>err
		assert_eq "$(cat err)" EIO "$way of $n"
		assert_eq "$(stat -c %s out)" 0 "bytes of $n"
	done
done
cmp src/9 mnt/9
kernel_says "has no fs-verity digest"
kernel_says "has the wrong fs-verity digest: expected"
umount mnt
mount_checked 1
assert_eio cat mnt/1
umount mnt
# Without the check, type and size are still looked at.
mount_checked 0
for n in 3 4 5 6 7 8; do assert_eio timeout 10 cat mnt/$n; done
cmp src/1 mnt/1
umount mnt

# A symlink or a mount on the way to the object is not followed either.
rm -rf objects; cp -a good objects
find objects -type f -exec fsverity enable {} \;
dir=$(dirname "$(object 1)")
mv "$dir" elsewhere; ln -s "$WORK/elsewhere" "$dir"
mount_checked 0
assert_eio cat mnt/1
umount mnt
rm "$dir"; mkdir "$dir"; mount --bind elsewhere "$dir"
mount_checked 0
assert_eio cat mnt/1
umount mnt "$dir"
rmdir "$dir"; mv elsewhere "$dir"

# An earlier basedir with a wrong object does not hide a good one in the next.
mkdir -p bad/"$(dirname "$(object 1)" | cut -d/ -f2)"
head -c 300001 /dev/zero >"bad/$(object 1 | cut -d/ -f2-)"
mount -t composefs -o basedir=bad:objects,verity_check=2 img mnt
cmp src/1 mnt/1
umount mnt
rm -r bad

# An inode without a digest can only be opened if nothing is asked.
head -c 5000 /dev/zero >objects/plain
printf '%s\n' '/ 0 40755 2 0 0 0 0.0 - - -' '/f 5000 100644 1 0 0 0 0.0 plain - -' |
	mkcomposefs --from-file - nodigest.img
for check in 0 1; do
	mount -t composefs -o basedir=objects,verity_check=$check nodigest.img mnt
	cmp objects/plain mnt/f
	umount mnt
done
mount -t composefs -o basedir=objects,verity_check=2 nodigest.img mnt
assert_eio cat mnt/f
kernel_says "specified no fs-verity digest"
umount mnt

# --- the disk below ---
disk=$(findmnt -no SOURCE -T .)
# flip FILE BLOCK: one byte of the file's block (counted behind its end too, where ext4
# has the Merkle tree), on the disk.
flip() {
	local extent block byte

	sync -f "$1"
	extent=$(filefrag -v "$1" | awk -v b="$2" '/^ *[0-9]+:/ {
		gsub(/[.:]/, " "); if ($2 <= b && b <= $3) { print $4 + b - $2; exit } }')
	[ -n "$extent" ] || fail "block $2 of $1 is nowhere: $(filefrag -v "$1")"
	block=$extent
	byte=$(dd if="$disk" bs=1 skip=$((block * 4096 + 7)) count=1 status=none | xxd -p)
	printf "%b" "\\x$(printf %02x $((0x$byte ^ 0x40)))" |
		dd of="$disk" bs=1 seek=$((block * 4096 + 7)) conv=notrunc status=none
	drop_caches
}
# reads_right_or_fails FILE SRC: all ways; some way must fail.
never_wrong() {
	local way failed=0

	for way in read mmap-private direct splice; do
		drop_caches
		if readway $way "$1" >out 2>err; then
			cmp "$2" out || fail "$way of $1: wrong bytes"
		else
			failed=1
			case $(tail -n 1 err) in
			EIO | SIGBUS) ;;
			*) fail "$way of $1: $(cat err)" ;;
			esac
			cmp -n "$(stat -c %s out)" "$2" out || fail "$way of $1: wrong bytes"
		fi
	done
	[ $failed = 1 ] || fail "$1: nothing noticed the change"
}
flip "$(object 2)" 10
mount_checked 2
never_wrong mnt/2 src/2
umount mnt

# ext4 keeps the tree behind the content, from the next 64 KiB on.
flip "$(object 3)" 80
mount_checked 2
never_wrong mnt/3 src/3
cmp src/4 mnt/4
umount mnt
kernel_says "FILE CORRUPTED"

# An image with digest=: its pages are checked as they are read.
for n in $(seq 400); do ln -s "target$n" "src/link-$n"; done
echo inlinecontent >src/inline
mkcomposefs --digest-store=objects src sealed
fsverity enable sealed
digest=$(fsverity measure sealed)
digest=${digest#sha256:}
blocks=$(($(stat -c %s sealed) / 4096))
flip sealed $((blocks - 1))
mount -t composefs -o "basedir=objects,digest=${digest%% *}" sealed mnt || fail "mount"
drop_caches
assert_eio ls -lR mnt
umount mnt
flip sealed $((blocks - 1))
# A file whose content is in the image: by every way that a page of it can be had.
inline=$(grep -abo inlinecontent sealed | head -n 1 | cut -d : -f 1)
flip sealed $((inline / 4096))
mount -t composefs -o "basedir=objects,digest=${digest%% *}" sealed mnt
for way in read mmap-private direct splice; do
	drop_caches
	assert_fails readway $way mnt/inline >out 2>err
	case $(tail -n 1 err) in
	EIO | SIGBUS) ;;
	*) fail "$way of inline content: $(cat err)" ;;
	esac
	assert_eq "$(stat -c %s out)" 0 "bytes of inline content"
done
umount mnt
flip sealed $((inline / 4096))
flip sealed 0
mount -t composefs -o "basedir=objects,digest=${digest%% *}" sealed mnt 2>err &&
	fail "a superblock that fs-verity refuses was used"
flip sealed 0
mount -t composefs -o "basedir=objects,digest=${digest%% *}" sealed mnt
ls -lR mnt >/dev/null
cmp src/5 mnt/5
umount mnt
