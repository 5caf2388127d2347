#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Folders with commas, spaces and backslashes in their names, long names, and many
# folders: all are found, and the second folder has what the first lacks.
. "${0%/*}/lib.sh"
need_root
need_fs erofs
need_fs overlay

make_tree "$WORK/tree"
make_store "$WORK/store" "$WORK/tree" tree
image=$WORK/store/images/tree
mkdir "$WORK/none" "$WORK/none2" "$WORK/mnt"

# try DIR ESCAPED: as the only folder, and as the last of three; one twice is one.
try() {
	mkdir -p "${1%/*}"
	cp -a "$WORK/store/objects" "$1"
	mount.composefs "$image" "$WORK/mnt" -o "basedir=$2,backend=overlay"
	check compare-trees --hash "$WORK/tree" "$WORK/mnt"
	umount "$WORK/mnt"
	mount.composefs "$image" "$WORK/mnt" -o "basedir=$WORK/none:$WORK/none2:$WORK/none:$2,backend=overlay"
	check compare-trees --hash "$WORK/tree" "$WORK/mnt"
	umount "$WORK/mnt"
	rm -r "$1"
}

try "$WORK/a b" "$WORK/a b"
try "$WORK/a,b" "$WORK/a\\,b"
try "$WORK/a\\b" "$WORK/a\\\\b"
long=$(printf 'x%.0s' {1..200})
try "$WORK/$long/$long" "$WORK/$long/$long"

# A relative path, from inside the mount point.
cd "$WORK/mnt"
mount.composefs ../store/images/tree . -o basedir=../store/objects,backend=overlay
check compare-trees --hash "$WORK/tree" "$WORK/mnt"
cd /
umount "$WORK/mnt"
