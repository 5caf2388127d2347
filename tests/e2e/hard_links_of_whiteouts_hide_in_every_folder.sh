#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# overlayfs makes the whiteouts of a layer hard links of one inode.  An image of the layer
# hides in each folder what the layer hides there, with --hardlinks as without, and a
# dump that links whiteouts is refused.
# also: address
. "${0%/*}/lib.sh"
need_root
need_fs erofs
need_fs overlay

mkdir -p "$WORK"/{low/dir,up,work,over,direct,image,imaged}
for name in f1 f2 f3 f4 dir/x dir/y; do
	echo "$name" >"$WORK/low/$name"
done
mount -t overlay overlay "$WORK/over" -o "lowerdir=$WORK/low,upperdir=$WORK/up,workdir=$WORK/work"
rm "$WORK"/over/{f1,f2,dir/x}
umount "$WORK/over"
# Whiteouts that are links for certain, whatever the kernel does.
ln -f "$WORK/up/f1" "$WORK/up/dir/x"
ln "$WORK/up/f1" "$WORK/up/f3"

list() { (cd "$1" && find . -mindepth 1 | sort); }
mount -t overlay overlay "$WORK/direct" -o "ro,lowerdir=$WORK/up:$WORK/low"
list "$WORK/direct" >"$WORK/want"
assert_eq "$(tr '\n' ' ' <"$WORK/want")" "./dir ./dir/y ./f4 " "what the layer itself shows"
for option in --use-epoch --hardlinks; do
	mkcomposefs "$option" --digest-store="$WORK/objects" "$WORK/up" "$WORK/img"
	composefs-info dump "$WORK/img" >"$WORK/dump"
	assert_eq "$(grep -c ' @' "$WORK/dump" || true)" 0 "links in the dump"
	mkcomposefs --from-file "$WORK/dump" - | cmp - "$WORK/img"
	mount_by_hand "$WORK/img" "$WORK/image" "$WORK/objects"
	mount -t overlay overlay "$WORK/imaged" -o "ro,lowerdir=$WORK/image:$WORK/low"
	list "$WORK/imaged" | diff "$WORK/want" -
	umount "$WORK/imaged" "$WORK/image"
done

root='/ 0 40755 3 0 0 0 0.0 - - -\n/d 0 40755 2 0 0 0 0.0 - - -\n'
for target in '0 20000 2 0 0 0 0.0 - - -' '0 100644 2 0 0 0 0.0 - - - trusted.overlay.whiteout=' \
	'0 100644 2 0 0 0 0.0 - - - user.overlay.whiteout=y'; do
	printf '%b/d/x %s\n/f1 0 @120000 - - - - 0.0 /d/x - -\n' "$root" "$target" >"$WORK/linked"
	assert_fails mkcomposefs --from-file "$WORK/linked" "$WORK/linked.img" 2>"$WORK/err"
	assert_in "line 4: the hard link's target /d/x is a whiteout" "$WORK/err"
	[ ! -e "$WORK/linked.img" ] || fail "an image was left"
done
