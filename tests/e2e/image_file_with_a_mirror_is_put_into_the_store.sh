#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An image file with a mirror, or with a fetcher of the administrator's among the basedirs,
# is put into the store, pinned, and its objects are fetched when they are read.
. "${0%/*}/lib.sh"
need_root
need_fuse

make_tree "$WORK/tree"
make_store "$WORK/origin" "$WORK/tree" tree
start_serve "$WORK/origin"
cp "$WORK/origin/images/tree" "$WORK/image"
mkdir "$WORK/mnt"

mount.composefs "$WORK/image" "$WORK/mnt" \
	-o "store=$WORK/store,mirror=$SERVE_URL,digest=$IMAGE_DIGEST,tryverity"
assert_eq "$(ls "$WORK/store/images")" "$IMAGE_DIGEST" "images"
assert_eq "$(count_objects "$WORK/store")" 1 "objects before anything was read"
check compare-trees --hash "$WORK/tree" "$WORK/mnt"
umount "$WORK/mnt"
wait_for 5 eval '! pgrep -x cfs-fetch >/dev/null'

# The second folder is a mount of cfs-fetch; it outlives the image's mount.
mkdir -p "$WORK/second/objects" "$WORK/second/images" "$WORK/objects"
start_fetch "$WORK/second" "$WORK/objects" --mirror "$SERVE_URL"
for how in backend=overlay ro; do
	mount.composefs "$WORK/image" "$WORK/mnt" \
		-o "basedir=$WORK/second/objects:$WORK/objects,tryverity,$how"
	assert_eq "$(ls "$WORK/second/images")" "$IMAGE_DIGEST" "images"
	check compare-trees --hash "$WORK/tree" "$WORK/mnt"
	umount "$WORK/mnt"
	mountpoint -q "$WORK/objects" || fail "the administrator's mount is gone"
done

# A fetcher alone has no objects of its own.
assert_fails mount.composefs "$WORK/image" "$WORK/mnt" -o "basedir=$WORK/objects" 2>"$WORK/err"
assert_in "folder of objects" "$WORK/err"
