#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Nobody vouches for an image that is mounted by name alone: the helper says its digest
# and the option for next time, and mounts it nosuid,nodev.  With that option it is
# mounted as it is, and without asking anybody.
. "${0%/*}/lib.sh"
need_root
need_fuse

make_tree "$WORK/tree"
make_store "$WORK/origin" "$WORK/tree" tree
start_serve "$WORK/origin"
url=$SERVE_URL/images/tree
mkdir "$WORK/mnt" "$WORK/none"
flags() { awk -v t="$WORK/mnt" '$2 == t { print $4 }' /proc/mounts; }

mount.composefs "$url" "$WORK/mnt" -o "store=$WORK/store,suid,dev" 2>"$WORK/err"
assert_in "digest=$IMAGE_DIGEST" "$WORK/err"
[[ ,$(flags), == *,nosuid,*nodev,* ]] || fail "mounted $(flags)"
assert_eq "$(ls "$WORK/store/images")" "$IMAGE_DIGEST" "images"
check compare-trees --hash "$WORK/tree" "$WORK/mnt"
grep " $WORK/mnt " /proc/mounts >"$WORK/mounted"
assert_fails grep -q "$IMAGE_DIGEST" "$WORK/mounted"
umount "$WORK/mnt"

stop_bg "$SERVE_PID"
options=store=$WORK/store,$(grep -o 'digest=[0-9a-f]*' "$WORK/err"),tryverity
mount.composefs "$url" "$WORK/mnt" -o "$options" 2>"$WORK/err"
[[ ,$(flags), != *nosuid* ]] || fail "mounted $(flags)"
check compare-trees --hash "$WORK/tree" "$WORK/mnt"
umount "$WORK/mnt"

# Named by its digest, an image is pinned as well.
mount.composefs "$SERVE_URL/objects/$(object_path "$IMAGE_DIGEST")" "$WORK/mnt" \
	-o "store=$WORK/store,tryverity"
[[ ,$(flags), != *nosuid* ]] || fail "mounted $(flags)"
umount "$WORK/mnt"

# By name alone the mirror has to be asked, and it is gone.
began=$SECONDS
assert_fails mount.composefs "$url" "$WORK/mnt" -o "store=$WORK/store,deadline=3" 2>"$WORK/err"
[ $((SECONDS - began)) -le 20 ] || fail "it took $((SECONDS - began)) s to fail"
assert_in "cfs-fetch" "$WORK/err"
