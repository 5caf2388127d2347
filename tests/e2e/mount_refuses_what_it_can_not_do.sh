#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Each mount that can't be done says why, with the exit status of mount(8), and leaves
# no mount, no loop device, no temporary file and no process.
# also: address
. "${0%/*}/lib.sh"
need_root
need_fs erofs
need_fs overlay

make_tree "$WORK/tree"
make_store "$WORK/store" "$WORK/tree" tree
mkdir "$WORK/mnt" "$WORK/up" "$WORK/work" "$WORK/tmp"
export TMPDIR=$WORK/tmp
image=$WORK/store/images/tree
objects=basedir=$WORK/store/objects
other=$(printf '%064d' 0)
head -c 8192 /dev/urandom >"$WORK/noise"
head -c 12000 "$image" >"$WORK/short"
: >"$WORK/empty"
mkfifo "$WORK/fifo"

state() { cat /proc/self/mountinfo; losetup -n -O NAME; ls "$WORK/tmp"; }
before=$(state)

# refused STATUS TEXT IMAGE OPTIONS [ARGUMENT...]
refused() {
	local status=0

	mount.composefs "$3" "$WORK/mnt" -o "$4" "${@:5}" 2>"$WORK/err" || status=$?
	assert_eq "$status" "$1" "exit status of -o $4 on $3"
	assert_in "mount.composefs: " "$WORK/err"
	assert_in "$2" "$WORK/err"
	assert_eq "$(state)" "$before" "what is left of -o $4 on $3"
}

refused 1 'unsupported option noverity' "$image" "$objects,noverity"
refused 1 'digest=' "$image" "$objects,digest="
refused 1 'not 64' "$image" "$objects,digest=abc"
refused 1 'verity_check=3' "$image" "$objects,verity_check=3"
refused 1 'image_verity needs' "$image" "$objects,image_verity"
refused 1 'basedir=' "$image" ro
refused 1 'empty' "$image" "$objects:"
refused 1 'need each other' "$image" "$objects,upperdir=$WORK/up"
refused 1 'backend=fuse' "$image" "$objects,backend=fuse"
refused 1 'store=' http://127.0.0.1:1/images/a "$objects"
refused 1 'image name' http://127.0.0.1:1/images/.a "store=$WORK/store"
refused 1 'query' 'http://127.0.0.1:1/images/a?b' "store=$WORK/store"

refused 32 'No such file' "$WORK/nowhere" "$objects"
refused 32 'No such file' "$image" "basedir=$WORK/nowhere"
refused 32 'not a folder' "$image" "basedir=$image"
refused 32 'not a regular file' "$WORK/fifo" "$objects"
refused 32 'not a regular file' /dev/null "$objects"
refused 32 'not a composefs image' "$WORK/noise" "$objects"
refused 32 'not a composefs image' "$WORK/empty" "$objects"
refused 32 'damaged' "$WORK/short" "$objects"
refused 32 "not $other" "$image" "$objects,digest=$other,tryverity"
refused 32 'mount.composefs: Image has wrong fs-verity' "$image" "$objects,digest=$other,verity_check=0"
refused 32 'No such file' "$image" "$objects,upperdir=$WORK/nowhere,workdir=$WORK/work"
refused 32 'idmap' "$image" "$objects,idmap=/dev/null"
if ! has_verity "$WORK"; then
	refused 32 'no fs-verity' "$image" "$objects,verity"
	refused 32 'no fs-verity' "$image" "$objects,verity_check=1"
	refused 32 'no fs-verity' "$image" "$objects,digest=$IMAGE_DIGEST"
	refused 32 'mount.composefs: Image has no fs-verity' "$image" "$objects,digest=$IMAGE_DIGEST,verity_check=0,image_verity"
fi
assert_fails mount.composefs "$image" "$WORK/nowhere" -o "$objects"
assert_eq "$(state)" "$before" "what is left"

# Dry run: nothing is mounted.  Sloppy: unknown options are passed over.
mount.composefs -f "$image" "$WORK/mnt" -o "$objects"
assert_eq "$(state)" "$before" "what is left of a dry run"
mount.composefs -s "$image" "$WORK/mnt" -o "$objects,noverity" -n -t composefs
umount "$WORK/mnt"
assert_eq "$(state)" "$before" "what is left after umount"
