#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The file system of the store is full: what no image needs goes, and the open that found
# no room succeeds.  If nothing may go, that open gets ENOSPC and all others go on; an
# image that is mounted keeps all it has.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_fs erofs
need_fs overlay
need_prog cfs-fetch cfs-serve mkcomposefs cfs-store composefs-info

# Two images without a file in common, of 8 MiB each, for a file system of 14 MiB.
for name in old new; do
	mkdir "$WORK/$name"
	for i in $(seq 10); do
		head -c $((819200 + i)) /dev/urandom >"$WORK/$name/$i"
	done
	make_store "$WORK/origin" "$WORK/$name" "$name"
done
ORIGIN=$WORK/origin
start_mirror

# The objects of an image, each read through the fetcher and compared.
read_image() {
	local file

	for file in "$WORK/$1"/*; do
		cmp "$file" "$WORK/objects/$(object_path "$(composefs-info measure-file "$file")")" ||
			return 1
	done
}
complete() {
	composefs-info --basedir="$store/objects" missing-objects "$ORIGIN/images/$1" >/dev/null
}

full_store() {
	store=$WORK/disk/store
	mkdir -p "$store/objects" "$store/images"
	cfs-store import "$store" "$ORIGIN/images/old" old
	start_fetch "$store" "$WORK/objects" --mirror "$SERVE_URL"
	read_image old || fail "reading an image that fits"
	mount_by_hand "$store/images/old" "$WORK/mnt" "$store/objects" "$WORK/objects/retry"

	# Both are needed: what does not fit is ENOSPC, and nothing goes.
	cfs-store import "$store" "$ORIGIN/images/new" new
	if read_image new 2>"$WORK/errors"; then fail "16 MiB fit into 14"; fi
	assert_in "No space left on device" "$WORK/errors"
	read_image old || fail "what is there can't be read from a full store"
	check compare-trees --hash "$WORK/old" "$WORK/mnt"
	complete old || fail "an image that is mounted has lost objects"
	assert_eq "$(counter fetches collected_objects)" 0 "objects removed"
	cfs-store verify --full "$store"

	# The first is let go: now there is room.
	umount "$WORK/mnt" "$WORK/mnt.erofs"
	cfs-store unpin "$store" old
	read_image new || fail "no room was made"
	complete new || fail "an image lacks objects"
	[ "$(counter fetches collected_objects)" -ge 1 ] || fail "nothing was collected"
	assert_in "collected objects=" "$FETCH_LOG"
	cfs-store verify --full "$store"
	umount "$WORK/objects"
	stop_bg "$FETCH_PID"
}

mkdir "$WORK/disk"
mount -t tmpfs -o size=14m tmpfs "$WORK/disk"
full_store
umount "$WORK/disk"

truncate -s 20M "$WORK/disk.img"
mkfs.ext4 -q -m 0 -O ^has_journal "$WORK/disk.img"
mount -o loop "$WORK/disk.img" "$WORK/disk"
spare=$(($(stat -f -c '%a * %S' "$WORK/disk") - (14 << 20)))
[ "$spare" -le 0 ] || fallocate -l "$spare" "$WORK/disk/filler"
full_store
umount "$WORK/disk"
