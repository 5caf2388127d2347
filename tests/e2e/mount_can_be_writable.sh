#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# With upperdir and workdir the mount takes changes, and the objects do not.
. "${0%/*}/lib.sh"
need_root
need_fs erofs
need_fs overlay

make_tree "$WORK/tree"
make_store "$WORK/store" "$WORK/tree" tree
mkdir "$WORK/a,up" "$WORK/work"
sum() { find "$WORK/store" -type f -exec sha256sum {} + | sort; }
before=$(sum)
options=basedir=$WORK/store/objects,upperdir=$WORK/a\\,up,workdir=$WORK/work

mount_cfs "$WORK/store/images/tree" "$WORK/mnt" "$options,rw"
echo more >>"$WORK/mnt/large"
echo new >"$WORK/mnt/new"
rm "$WORK/mnt/inline"
cat "$WORK/tree/large" - <<<more | cmp - "$WORK/mnt/large"
umount "$WORK/mnt"
assert_eq "$(sum)" "$before" "the store"

mount_cfs "$WORK/store/images/tree" "$WORK/mnt" "$options,ro"
assert_eq "$(cat "$WORK/mnt/new")" new
[ ! -e "$WORK/mnt/inline" ] || fail "a removed file is back"
assert_fails touch "$WORK/mnt/newer"
