#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# On file systems that can share blocks, what --from gives takes no room of its own.
. "${0%/*}/lib.sh"
need_root
need_prog cfs-seed mkcomposefs cfs-store
need_cmd mkfs.btrfs mkfs.xfs filefrag

# shared_bytes FILE: of its data blocks, those that are another file's, too.
shared_bytes() {
	filefrag -v -b1 "$1" | awk '/shared/ { gsub(/[:.]/, " "); n += $6 } END { print n + 0 }'
}

mkdir "$WORK/tree"
for i in $(seq 8); do
	head -c $((4 << 20)) /dev/urandom >"$WORK/tree/$i"
done
make_store "$WORK/origin" "$WORK/tree" app

tried=0
for type in btrfs xfs; do
	if ! grep -qw "$type" /proc/filesystems; then
		echo "the kernel has no $type"
		continue
	fi
	tried=$((tried + 1))
	truncate -s 400M "$WORK/$type.img"
	"mkfs.$type" -q "$WORK/$type.img"
	mkdir "$WORK/$type"
	mount -o loop "$WORK/$type.img" "$WORK/$type"
	cp -r "$WORK/tree" "$WORK/$type/tree"
	sync -f "$WORK/$type"
	before=$(stat -f -c %f "$WORK/$type")
	cfs-seed --store="$WORK/$type/store" --from="$WORK/$type/tree" --json --name=app \
		"$WORK/origin/images/app" >"$WORK/report"
	sync -f "$WORK/$type"
	assert_eq "$(jq '.from[0].taken.objects' "$WORK/report")" 8 "$type: taken from the tree"
	used=$(((before - $(stat -f -c %f "$WORK/$type")) * $(stat -f -c %S "$WORK/$type")))
	echo "$type: 32 MiB of objects take $used bytes"
	[ "$used" -lt $((8 << 20)) ] || fail "$type: $used bytes are not shared"
	object=$WORK/$type/store/objects/$(object_path "$(composefs-info measure-file "$WORK/tree/1")")
	[ "$(shared_bytes "$object")" -ge $((4 << 20)) ] || {
		filefrag -v "$object"
		fail "$type: the blocks of an object are its own"
	}
	cfs-store verify --full "$WORK/$type/store"
	# What was shared stays as it was when the tree changes.
	for file in "$WORK/$type/tree"/*; do
		printf changed | dd of="$file" conv=notrunc status=none
	done
	cfs-store verify --full "$WORK/$type/store"
	umount "$WORK/$type"
done
[ "$tried" -gt 0 ] || skip "the kernel has neither btrfs nor xfs"
