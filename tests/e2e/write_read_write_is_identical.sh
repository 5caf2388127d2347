#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# limit: 300
#
# Random trees, and a real one, written as an image, read back as a dump and written
# again give the same bytes.
. "${0%/*}/lib.sh"
need_prog mkcomposefs composefs-info
need_root

# again IMAGE VERSION: dump it, write it anew with its own version, compare.
again() {
	composefs-info dump "$1" >"$WORK/dump"
	mkcomposefs --min-version="$2" --max-version="$2" --from-file "$WORK/dump" "$WORK/again"
	cmp "$1" "$WORK/again" || fail "$3 differs when written again"
}
version_of() { od -An -tu4 -j12 -N4 "$1" | tr -d ' '; }

mkdir "$WORK/dumps"
python3 "$CFS_TOP/tests/fuzz/random_dump.py" --storable 1 100 "$WORK/dumps"
for seed in {1..100}; do
	mkcomposefs --max-version=$((seed % 2)) --from-file "$WORK/dumps/$seed.dump" "$WORK/image"
	again "$WORK/image" "$(version_of "$WORK/image")" "seed $seed"
done

make_tree "$WORK/tree"
mknod "$WORK/tree/many/whiteout" c 0 0
for options in "" --hardlinks --use-epoch --user-xattrs; do
	# shellcheck disable=SC2086	# no option is no argument
	mkcomposefs $options "$WORK/tree" "$WORK/image"
	again "$WORK/image" "$(version_of "$WORK/image")" "the tree with '$options'"
done
