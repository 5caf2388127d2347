#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# With --hardlinks, names of one file are one inode in the image, whichever was found
# first; without, each name is a file of its own, as the existing tools have it.
. "${0%/*}/lib.sh"
need_prog mkcomposefs composefs-info

mkdir -p "$WORK/tree/a/x" "$WORK/tree/b"
head -c 5000 /dev/zero >"$WORK/tree/b/file"
ln "$WORK/tree/b/file" "$WORK/tree/a/x/name"
ln "$WORK/tree/b/file" "$WORK/tree/a.name"
ln "$WORK/tree/b/file" "$WORK/outside"
mkfifo "$WORK/tree/fifo"
ln "$WORK/tree/fifo" "$WORK/tree/b/fifo"
ln -s target "$WORK/tree/symlink"
ln "$WORK/tree/symlink" "$WORK/tree/b/symlink"
echo inline >"$WORK/tree/inline"
ln "$WORK/tree/inline" "$WORK/tree/b/inline"

for threads in 1 4; do
	mkcomposefs --hardlinks --threads="$threads" "$WORK/tree" "$WORK/image.$threads"
	composefs-info dump "$WORK/image.$threads" | awk '{ print $1, $3, $4, $9 }' >"$WORK/dump"
	object=$(awk '$1 == "/a/x/name" { print $4 }' "$WORK/dump")
	# In the order of paths the first name has the inode; nlink counts names inside.
	assert_in "/a/x/name 100644 3 $object" "$WORK/dump"
	assert_in "/b/file @100644 " "$WORK/dump"
	assert_in "/a.name @100644 " "$WORK/dump"
	assert_in "/b/fifo 10644 2 -" "$WORK/dump"
	assert_in "/fifo @10644 " "$WORK/dump"
	assert_in "/b/symlink 120777 2 target" "$WORK/dump"
	assert_in "/b/inline 100644 2 -" "$WORK/dump"
	assert_eq "$(grep -c '@' "$WORK/dump")" 5 "further names"
done
cmp "$WORK/image.1" "$WORK/image.4"

mkcomposefs "$WORK/tree" "$WORK/image"
composefs-info dump "$WORK/image" | awk '{ print $3, $4 }' >"$WORK/dump"
assert_eq "$(grep -c '@' "$WORK/dump" || true)" 0 "further names by default"
assert_eq "$(grep -c '^100644 1$' "$WORK/dump")" 5 "files with one name"
