#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A tree that is itself a layer of an overlay does in an image what it does outside:
# its whiteout hides a file of the layer below, its opaque folder all that is below it.
. "${0%/*}/lib.sh"
need_root
need_fs erofs
need_fs overlay

make_tree "$WORK/tree" --overlay
make_store "$WORK/store" "$WORK/tree" tree
mount_by_hand "$WORK/store/images/tree" "$WORK/mnt" "$WORK/store/objects"

mkdir -p "$WORK/below/opaque" "$WORK/direct" "$WORK/imaged"
echo hidden >"$WORK/below/whiteout"
echo hidden >"$WORK/below/opaque/from-below"
echo seen >"$WORK/below/seen"
mount -t overlay overlay "$WORK/direct" -o "ro,lowerdir=$WORK/tree/overlay:$WORK/below"
mount -t overlay overlay "$WORK/imaged" -o "ro,lowerdir=$WORK/mnt/overlay:$WORK/below"
list() { (cd "$1" && find . -mindepth 1 | sort); }
list "$WORK/direct" >"$WORK/direct.list"
grep -q whiteout "$WORK/direct.list" && fail "the source itself does not hide anything"
diff "$WORK/direct.list" <(list "$WORK/imaged")
