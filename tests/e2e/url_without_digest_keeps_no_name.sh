#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An image that was mounted by URL without a digest has its name in images/ as long as
# it is mounted, however often, and no longer; and a fetcher that serves all images of the
# store does not serve it.  Asked for by its digest meanwhile, it keeps the name.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_fs erofs
need_fs overlay

make_tree "$WORK/tree"
make_origin
start_mirror
url=$SERVE_URL/images/tree
options=store=$WORK/store,verity_check=0,backend=overlay,noprefetch
mkdir "$WORK/a" "$WORK/b" "$WORK/c"
names() { ls -A "$WORK/store/images"; }
has_no_name() { [ -z "$(names)" ]; }

mount.composefs "$url" "$WORK/a" -o "$options" 2>/dev/null
assert_eq "$(ls "$WORK/store/images")" "$IMAGE_DIGEST" "names"
start_fetch "$WORK/store" "$WORK/objects" --mirror "$SERVE_URL" --no-prefetch
assert_errno EIO open "$WORK/objects/$(path_of large)"
stop_bg "$FETCH_PID"
# Twice: the last one to go takes the name along.
mount.composefs "$url" "$WORK/b" -o "$options" 2>/dev/null
umount "$WORK/a"
cfs-store gc "$WORK/store" >/dev/null
cmp "$WORK/tree/large" "$WORK/b/large"
assert_eq "$(ls "$WORK/store/images")" "$IMAGE_DIGEST" "names"
umount "$WORK/b"
wait_for 10 has_no_name

# What fails leaves no name either.
assert_fails mount.composefs "$url" "$WORK/a" -o "$options,upperdir=$WORK/no,workdir=$WORK/no" 2>/dev/null
wait_for 10 has_no_name

# Asked for by its digest while it is mounted: now it is wanted.
mount.composefs "$url" "$WORK/a" -o "$options" 2>/dev/null
mount.composefs "$url" "$WORK/b" -o "$options,digest=$IMAGE_DIGEST" 2>/dev/null
umount "$WORK/a" "$WORK/b"
gone() { ! pgrep -x cfs-fetch >/dev/null; }
wait_for 10 gone
assert_eq "$(names)" "$IMAGE_DIGEST" "names"

# A name that it had before stays.
mount.composefs "$url" "$WORK/a" -o "$options" 2>/dev/null
umount "$WORK/a"
wait_for 10 gone
assert_eq "$(names)" "$IMAGE_DIGEST" "names"

# A fetcher that was killed can't take the name off; the next one does.
cfs-store unpin "$WORK/store" "$IMAGE_DIGEST"
mount.composefs "$url" "$WORK/a" -o "$options" 2>/dev/null
pkill -KILL -x cfs-fetch
umount "$WORK/a"
wait_for 10 gone
[ -n "$(names)" ] || fail "the name is gone"
mount.composefs "$url" "$WORK/c" -o "$options" 2>/dev/null
umount "$WORK/c"
wait_for 10 has_no_name
