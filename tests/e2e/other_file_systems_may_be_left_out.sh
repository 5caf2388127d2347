#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# --one-file-system leaves out what is mounted inside a tree, as find -xdev does.  Files of
# the kernel's own that do not hold what their size says are an error with their path, never
# a wrong image.
. "${0%/*}/lib.sh"
need_root

make_tree "$WORK/tree"
mkdir "$WORK/tree/proc" "$WORK/tree/sys" "$WORK/tree/run"
touch "$WORK/tree/mounted-file"
names() { composefs-info ls "$1" | cut -f1 | sort; }
mkcomposefs --use-epoch "$WORK/tree" "$WORK/want"
assert_eq "$(mkcomposefs --use-epoch --one-file-system "$WORK/tree" - | md5sum)" "$(md5sum <"$WORK/want")" "without mounts"

mount -t tmpfs none "$WORK/tree/run"
echo x >"$WORK/tree/run/x"
mount -t proc none "$WORK/tree/proc"
mount -t sysfs none "$WORK/tree/sys"
mount --bind "$WORK/tree/run/x" "$WORK/tree/mounted-file"
mkcomposefs --one-file-system "$WORK/tree" "$WORK/image"
names "$WORK/want" | grep -v mounted-file | diff - <(names "$WORK/image")
umount "$WORK/tree/mounted-file"

refused() {
	assert_fails mkcomposefs --print-digest-only "$1" 2>"$WORK/err"
	assert_in "$2" "$WORK/err"
	assert_in "one-file-system" "$WORK/err"
}
mkdir "$WORK/one"
touch "$WORK/one/version" "$WORK/one/attribute"
mount --bind /proc/version "$WORK/one/version"
refused "$WORK/one" "$WORK/one/version: "
umount "$WORK/one/version"
mount --bind "$WORK/tree/sys/kernel/mm/transparent_hugepage/enabled" "$WORK/one/attribute" ||
	mount --bind "$WORK/tree/sys/kernel/uevent_seqnum" "$WORK/one/attribute"
refused "$WORK/one" "$WORK/one/attribute: "
umount "$WORK/one/attribute" "$WORK/tree/sys"
# What can't be read is named as that.
assert_fails mkcomposefs --print-digest-only "$WORK/tree" 2>"$WORK/err"
assert_in "$WORK/tree/proc/" "$WORK/err"
grep -q 'changed while it was read' "$WORK/err" && fail "a made-up file is said to have changed: $(cat "$WORK/err")"
umount "$WORK/tree/proc" "$WORK/tree/run"
assert_eq "$(mkcomposefs --use-epoch "$WORK/tree" - | md5sum)" "$(md5sum <"$WORK/want")" "after all"
