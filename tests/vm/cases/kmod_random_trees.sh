#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 200
#
# Random trees, and a real one: entry by entry, composefs.ko shows what overlayfs on EROFS
# shows.  CFS_TREE_SEEDS="FIRST LAST" chooses others, or more.
. "$(dirname "$0")/../module.sh"

read -r first last <<<"${CFS_TREE_SEEDS:-1 5}"
mkdir mnt objects dumps
entries=0

compare() {
	mount -t composefs -o basedir=objects "$1" mnt
	mount_by_hand "$1" overlay objects
	assert_same_tree overlay mnt
	entries=$((entries + $(tr -dc '\0' <inventory.a | wc -c)))
	umount overlay overlay.erofs mnt
}

cp -L "$VM_DEBIAN_STORE/images/debian" real.img
compare real.img
echo "the real tree: $entries entries"
[ "$entries" -gt 25000 ] || fail "that is no real tree"

python3 "$CFS_TOP/tests/fuzz/random_dump.py" --mountable "$first" "$last" dumps
for dump in dumps/*.dump; do
	for version in 0 1; do
		mkcomposefs --from-file --min-version=$version "$dump" random.img
		compare random.img
	done
done
echo "$entries entries in all"
