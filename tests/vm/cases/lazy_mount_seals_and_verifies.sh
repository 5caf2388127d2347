#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The server is another machine.  On an ext4 with fs-verity an image is mounted by URL
# through overlayfs with verity=require: each object is downloaded when its file is
# opened, sealed by the kernel, and the whole is the tree that the image was made of.
. "${0%/*}/../../e2e/lib.sh"
need_root
need_verity

make_tree "$WORK/tree"
mkdir "$WORK/store"
mount_cfs "$VM_URL/images/tree" "$WORK/mnt" \
	"store=$WORK/store,digest=$VM_DIGEST,backend=overlay"
grep " $WORK/mnt " /proc/mounts >"$WORK/mounted"
assert_in verity=require "$WORK/mounted"
assert_in "$VM_DIGEST" "$WORK/mounted"
assert_eq "$(count_objects "$WORK/store")" 1 "objects before anything was opened"

cmp "$WORK/tree/large" "$WORK/mnt/large"
assert_eq "$(count_objects "$WORK/store")" 2 "objects after one file was opened"
check compare-trees --hash "$WORK/tree" "$WORK/mnt"

# The kernel's own word on every object: sealed, and under its own name.
find "$WORK/store/objects" -type f -exec fsverity measure {} + |
	sed 's/^sha256:\([0-9a-f]\{64\}\) .*\/\([0-9a-f]\{2\}\)\/\([0-9a-f]\{62\}\)$/\1 \2\3/' >"$WORK/measured"
assert_eq "$(awk '$1 != $2' "$WORK/measured")" "" "objects under a name that is not theirs"
assert_eq "$(wc -l <"$WORK/measured")" "$(count_objects "$WORK/store")" "objects that are sealed"

umount "$WORK/mnt"
wait_for 10 eval '! pgrep -x cfs-fetch >/dev/null'
