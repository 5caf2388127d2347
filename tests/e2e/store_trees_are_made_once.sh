#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# cfs-store trees writes the Merkle tree of each large object, byte for byte the one that
# fsverity computes, once; a damaged object gets none and is named; gc removes the trees
# of objects that are gone.
. "${0%/*}/lib.sh"
need_prog cfs-store mkcomposefs
need_cmd fsverity

mkdir "$WORK/tree"
head -c 3000000 /dev/urandom >"$WORK/tree/large"
head -c 2000000 /dev/urandom >"$WORK/tree/other"
head -c 5000 /dev/urandom >"$WORK/tree/small"
make_store "$WORK/store" "$WORK/tree" tree

# tree_path FILE: where the tree of a file of the tree has to be.
tree_path() { echo "$WORK/store/verity/$(object_path "$(composefs-info measure-file "$WORK/tree/$1")")"; }

cfs-store trees --min-size=1M "$WORK/store" >"$WORK/out"
assert_in "2 trees made, 0 were there" "$WORK/out"
fsverity digest --out-merkle-tree="$WORK/want" "$WORK/tree/large" >/dev/null
cmp "$WORK/want" "$(tree_path large)"
[ ! -e "$(tree_path small)" ] || fail "a small object has a tree"

rm "$(tree_path large)"
: >"$WORK/short" && cp "$WORK/short" "$(tree_path large)"
cfs-store trees --min-size=1M --json "$WORK/store" >"$WORK/out"
assert_in '"made": 1' "$WORK/out"
assert_in '"existed": 1' "$WORK/out"
cmp "$WORK/want" "$(tree_path large)"

object=$WORK/store/objects/$(object_path "$(composefs-info measure-file "$WORK/tree/other")")
rm "$(tree_path other)"
rm -f "$object"
head -c 2000000 /dev/zero >"$object"
assert_fails cfs-store trees --min-size=1M "$WORK/store" 2>"$WORK/err"
assert_in "damaged" "$WORK/err"
[ ! -e "$(tree_path other)" ] || fail "a damaged object has a tree"

assert_fails cfs-store trees --min-size=nonsense "$WORK/store"
cfs-store unpin "$WORK/store" tree
cfs-store gc "$WORK/store" >/dev/null
assert_eq "$(find "$WORK/store/verity" -type f | wc -l)" 0 "trees after gc"
