#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# ls, dump, objects and measure-file print what the existing composefs-info prints, apart
# from what the man page lists under DIFFERENCES (which these trees do not have).
# limit: 300
. "${0%/*}/lib.sh"
need_prog mkcomposefs composefs-info

upstream=$("$CFS_TOP/tests/sid-tools.sh")

same() {
	composefs-info "$@" >"$WORK/ours"
	"$upstream" composefs-info "$@" >"$WORK/theirs"
	cmp "$WORK/ours" "$WORK/theirs" || {
		diff "$WORK/ours" "$WORK/theirs" | head -n 5
		fail "another output of: $*"
	}
}

make_tree "$WORK/tree"
mkcomposefs --digest-store="$WORK/objects" "$WORK/tree" "$WORK/tree.cfs"
images=("$WORK/tree.cfs")
for dump in types manynames extremes shared whiteouts; do
	mkcomposefs --from-file "$CFS_TOP/tests/fuzz/seeds/dump/$dump" "$WORK/$dump.cfs"
	images+=("$WORK/$dump.cfs")
done
for image in "${images[@]}"; do
	same ls "$image"
	same dump "$image"
	same objects "$image"
	same measure-file "$image"
done
same dump "${images[@]}"
same objects "${images[@]}"
same --filter=dir --filter=link dump "$WORK/types.cfs"
same --filter=nothing ls "$WORK/types.cfs"
same --basedir="$WORK/objects" missing-objects "$WORK/tree.cfs"
