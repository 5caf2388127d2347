#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# limit: 200
# Entry by entry, composefs.ko shows what overlayfs on EROFS shows of the same image,
# for both versions of the format; and what is no business of overlayfs: numbers of
# inodes that stay, large directories that can be read from any place, ACLs that count.
. "$(dirname "$0")/../module.sh"

mkdir mnt
python3 "$E2E/tree.py" tree --overlay
setfattr -n security.test -v label tree/large
for version in 0 1; do
	mkcomposefs --digest-store=objects --min-version=$version --hardlinks tree img.$version
	mount -t composefs -o basedir=objects,verity_check=2 img.$version mnt
	mount_by_hand img.$version overlay objects
	check compare-trees --nlink --hash overlay mnt
	# With nothing in the caches the numbers are the same again.
	find mnt -printf '%i %s %b %P\n' | sort >first
	drop_caches
	find mnt -printf '%i %s %b %P\n' | sort >second
	cmp first second
	assert_eq "$(stat mnt/7f 2>&1 | grep -c 'No such file')" 1 "a stub can be seen"
	umount overlay overlay.erofs mnt
done


# A large directory: complete, in order, and the same from any place; any name is found.
name=$(printf 'n%.0s' $(seq 249))
awk -v name="$name" 'BEGIN {
	print "/ 0 40755 2 0 0 0 0.0 - - -"
	for (i = 1; i <= 200000; i++)
		printf "/%s%06d 0 100644 1 0 0 0 0.0 - - -\n", i % 4 ? "" : name, i
}' | mkcomposefs --from-file - big.img
mount -t composefs -o basedir=objects big.img mnt
seekdir mnt >names
assert_eq "$(wc -l <names)" 200002 "names"
LC_ALL=C sort -c names
for i in 000001 "${name}000004" 199999 "${name}200000"; do
	assert_eq "$(stat -c '%n %s %F' "mnt/$i")" "mnt/$i 0 regular empty file"
	assert_fails stat "mnt/${i}x" 2>/dev/null
done
umount mnt
