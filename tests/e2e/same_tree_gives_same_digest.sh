#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An image's digest depends on the tree alone: not on threads, on the order in which
# names were made, on where the tree lies, nor, if asked for, on times.
. "${0%/*}/lib.sh"
need_prog mkcomposefs
need_root

digest() { mkcomposefs --print-digest-only "$@"; }

make_tree "$WORK/a" --overlay
want=$(digest "$WORK/a")
for threads in 1 2 7; do
	assert_eq "$(digest --threads=$threads "$WORK/a")" "$want" "digest with $threads threads"
done
assert_eq "$(digest "$WORK/a/")" "$want" "digest with a slash"
ln -s a "$WORK/link"
assert_eq "$(digest "$WORK/link")" "$want" "digest through a symlink"

# The other way round, in another place.
mkdir "$WORK/b"
(cd "$WORK/a" && find . -depth -mindepth 1 | LC_ALL=C sort -r | tr '\n' '\0' >"$WORK/names")
(cd "$WORK/a" && tar --create --xattrs --xattrs-include='*' --acls --no-recursion --null \
	--files-from="$WORK/names" --file="$WORK/tar" 2>/dev/null) || true
cp -a "$WORK/a/." "$WORK/b"
assert_eq "$(digest "$WORK/b")" "$want" "digest of a copy"

find "$WORK/b" -exec touch -h -d @1700000000.123 {} +
[ "$(digest "$WORK/b")" != "$want" ] || fail "times make no difference"
epoch=$(digest --use-epoch "$WORK/a")
assert_eq "$(digest --use-epoch "$WORK/b")" "$epoch" "digest without times"

# --clamp-mtime: what is newer is as old as that, the rest stays.
find "$WORK/a" -exec touch -h -d @1600000000 {} +
find "$WORK/b" -exec touch -h -d @1600000000 {} +
old=$(digest "$WORK/a")
touch -d @1650000000.5 "$WORK/a/large" "$WORK/a/deep"
touch -d @1660000000 "$WORK/b/large" "$WORK/b/deep"
clamp=--clamp-mtime=1600000000
assert_eq "$(digest $clamp "$WORK/a")" "$old" "clamped digest"
assert_eq "$(digest $clamp "$WORK/b")" "$old" "clamped digest of the other"
touch -d @1599999999 "$WORK/b/large"
[ "$(digest $clamp "$WORK/b")" != "$old" ] || fail "an older time was lost"
assert_fails digest --clamp-mtime=now "$WORK/a"

# The environment changes nothing, whatever other tools make of it.
want=$(digest "$WORK/b")
mkcomposefs --digest-store="$WORK/objects" "$WORK/b" "$WORK/image"
composefs-info dump "$WORK/image" >"$WORK/dump"
mkdir "$WORK/elsewhere"
for variable in SOURCE_DATE_EPOCH=1 SOURCE_DATE_EPOCH=now TZ=Asia/Tokyo LC_ALL=C.UTF-8 LC_ALL=tr_TR.UTF-8 \
	LANG=de_DE.UTF-8 LC_COLLATE=en_US.UTF-8 LC_NUMERIC=de_DE.UTF-8 TMPDIR="$WORK/elsewhere" TMPDIR=/nowhere \
	POSIXLY_CORRECT=1 COLUMNS=20 CFS_NO_IO_URING=1; do
	assert_eq "$(env "$variable" mkcomposefs --print-digest-only "$WORK/b")" "$want" "digest with $variable"
	assert_eq "$(env "$variable" mkcomposefs --from-file --print-digest-only "$WORK/dump")" "$want" "digest of the dump with $variable"
	env "$variable" composefs-info dump "$WORK/image" | cmp - "$WORK/dump"
done
for mask in 000 077 777; do
	assert_eq "$(umask $mask && digest "$WORK/b")" "$want" "digest with umask $mask"
done
