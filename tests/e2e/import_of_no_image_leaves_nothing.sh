#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A file that is no image, or a damaged one, does not stay in a store as an object that
# nothing needs, by whichever program it was to be put there.
. "${0%/*}/lib.sh"
need_prog mkcomposefs cfs-store cfs-seed

mkdir "$WORK/tree"
for i in $(seq 300); do
	echo "$i" >"$WORK/tree/a name long enough to need several blocks of names $i"
done
mkcomposefs "$WORK/tree" "$WORK/image"
seq 5000 >"$WORK/text"
truncate -s 0 "$WORK/empty"
head -c 8192 "$WORK/image" >"$WORK/short"
cp "$WORK/image" "$WORK/damaged"
python3 - "$WORK/damaged" <<'END'
import sys

data = bytearray(open(sys.argv[1], "rb").read())
for i in range(8192, len(data), 7):
    data[i] ^= 0x55
open(sys.argv[1], "wb").write(data)
END
mkdir -p "$WORK/store/objects"
for file in text empty short damaged; do
	for command in "cfs-store import $WORK/store $WORK/$file" \
		"cfs-store import $WORK/store $WORK/$file name" \
		"cfs-seed --quiet --store=$WORK/store $WORK/$file"; do
		read -r -a words <<<"$command"
		[ "${words[0]} $file" = "cfs-seed empty" ] && continue	# an empty profile
		assert_fails "${words[@]}" >"$WORK/out" 2>&1
		assert_in "$WORK/$file" "$WORK/out"
		assert_eq "$(count_objects "$WORK/store")" 0 "objects after $command"
		assert_eq "$(find "$WORK/store/images" -type l 2>/dev/null | wc -l)" 0 "names after $command"
	done
done
cfs-store import "$WORK/store" "$WORK/image" name
assert_eq "$(count_objects "$WORK/store")" 1 "objects of an image"
