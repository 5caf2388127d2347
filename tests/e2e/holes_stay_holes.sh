#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# also: vm address
#
# A file of gigabytes with a few blocks of data is hashed in no time and stays that small as
# an object, however it gets into a store; and it is the same object as without holes.
. "${0%/*}/lib.sh"
need_prog mkcomposefs cfs-store cfs-seed

mkdir "$WORK/tree"
truncate -s 5G "$WORK/tree/huge"
printf middle | dd of="$WORK/tree/huge" bs=1 seek=3G conv=notrunc status=none
printf end >>"$WORK/tree/huge"
truncate -s 20M "$WORK/tree/small"
printf x | dd of="$WORK/tree/small" bs=1 seek=10M conv=notrunc status=none
truncate -s 100M "$WORK/tree/nothing"

# small_store WHAT: whole, and no object takes more than a megabyte.
small_store() {
	local object

	assert_eq "$(count_objects "$WORK/$1")" "$2" "objects, $1"
	while read -r object; do
		[ "$(du -k "$object" | cut -f1)" -le 1024 ] || fail "$1: $object takes $(du -h "$object" | cut -f1)"
	done < <(find "$WORK/$1/objects" -type f)
}
# fs-verity reads all of it when it is enabled: with it, a smaller one.
! has_verity "$WORK" || truncate -s 50M "$WORK/tree/huge"

mkcomposefs --store="$WORK/made" --name=tree "$WORK/tree" 2>/dev/null
small_store made 4
image=$(md5sum <"$WORK/made/images/tree")
for threads in 1 4; do
	mkdir "$WORK/digest$threads"
	mkcomposefs --threads=$threads --digest-store="$WORK/digest$threads/objects" "$WORK/tree" - | md5sum >"$WORK/sum"
	assert_eq "$(cat "$WORK/sum")" "$image" "image"
	small_store digest$threads 3
done

mkdir "$WORK/filled"
cfs-seed --store="$WORK/filled" --from="$WORK/tree" "$WORK/made/images/tree" >/dev/null 2>&1 ||
	fail "the tree has not all that it needs"
small_store filled 4
for file in huge small nothing; do
	object=$(composefs-info measure-file "$WORK/tree/$file")
	object=$WORK/filled/objects/$(object_path "$object")
	[ "$file" = huge ] || cmp "$WORK/tree/$file" "$object"
	assert_eq "$(composefs-info measure-file "$object")" "$(composefs-info measure-file "$WORK/tree/$file")" "digest of $file"
done

# The same bytes without holes are the same object.
cp --sparse=never "$WORK/tree/small" "$WORK/dense"
assert_eq "$(composefs-info measure-file "$WORK/dense")" "$(composefs-info measure-file "$WORK/tree/small")" "digest"
