#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# image -> composefs-info dump -> mkcomposefs --from-file gives the same bytes: for a tree
# of everything a file system has and for dumps at the edges of the format.  With hard links inodes may be numbered differently, but
# the dump of what comes out is the same.
# also: address
. "${0%/*}/lib.sh"
need_prog mkcomposefs composefs-info

# again IMAGE [OPTION...]: through a dump and back.
again() {
	local image=$1

	shift
	composefs-info dump "$image" >"$WORK/dump"
	mkcomposefs "$@" --from-file "$WORK/dump" "$WORK/again"
	cmp -s "$image" "$WORK/again" && return
	grep -qE '^[^ ]+ [0-9]+ @' "$WORK/dump" || fail "$image: another image"
	composefs-info dump "$WORK/again" >"$WORK/dump.again"
	cmp "$WORK/dump" "$WORK/dump.again" || fail "$image: another dump"
}

make_tree "$WORK/tree" --overlay
for version in 0 1; do
	options=("--min-version=$version" "--max-version=$version")
	mkcomposefs "${options[@]}" "$WORK/tree" "$WORK/image"
	again "$WORK/image" "${options[@]}"
	for seed in $(seq 1 6); do
		python3 "$CFS_TOP/tests/fuzz/random_dump.py" "$seed" >"$WORK/random"
		mkcomposefs "${options[@]}" --from-file "$WORK/random" "$WORK/image"
		again "$WORK/image" "${options[@]}"
	done
done

for dump in "$CFS_TOP"/tests/fuzz/seeds/dump/*; do
	mkcomposefs --from-file "$dump" "$WORK/image"
	again "$WORK/image"
done
