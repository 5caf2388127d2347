#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Overlayfs without verity: an object that was cut short, or grew, is not served. Without a
# mirror the mount names it and fails; with one it is fetched again.  One that is missing
# stops no mount.
. "${0%/*}/lib.sh"
need_root
need_fuse
need_fs erofs

make_tree "$WORK/tree"
make_store "$WORK/origin" "$WORK/tree" tree
start_serve "$WORK/origin"
mkdir "$WORK/mnt"
object=$(object_path "$(composefs-info measure-file "$WORK/tree/large")")

for size in 0 1000 +4096; do
	store=$WORK/store$size
	cp -a --reflink=auto "$WORK/origin" "$store"
	truncate -s "$size" "$store/objects/$object" || {
		cat "$WORK/tree/large" >"$WORK/cut"
		truncate -s "$size" "$WORK/cut"
		mv -f "$WORK/cut" "$store/objects/$object"
	}
	assert_fails mount.composefs "$store/images/tree" "$WORK/mnt" \
		-o "basedir=$store/objects,backend=overlay" 2>"$WORK/err"
	assert_in "/large: object $store/objects/$object is damaged" "$WORK/err"
	assert_in "cfs-store verify --repair" "$WORK/err"

	mount.composefs "$SERVE_URL/images/tree" "$WORK/mnt" \
		-o "store=$store,digest=$IMAGE_DIGEST,verity_check=0,backend=overlay" 2>"$WORK/err"
	assert_in "/large: object $object had another size" "$WORK/err"
	cmp "$WORK/tree/large" "$WORK/mnt/large"
	umount "$WORK/mnt"
done

rm -f "$store/objects/$object"
mount.composefs "$store/images/tree" "$WORK/mnt" -o "basedir=$store/objects,backend=overlay"
umount "$WORK/mnt"
