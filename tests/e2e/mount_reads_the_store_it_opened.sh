#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A mount from a store that another user owns reads the folder of objects that was opened
# and checked, not what that user puts in its place while the mount is being made.
. "${0%/*}/lib.sh"
need_root
need_fuse
need_prog mkcomposefs mount.composefs cfs-serve cfs-fetch

mkdir "$WORK/tree" "$WORK/secret"
seq 5000 >"$WORK/tree/file"
make_store "$WORK/origin" "$WORK/tree" app
start_serve "$WORK/origin" --unsealed
mkdir -m 700 "$WORK/store"
chown 65534:65534 "$WORK/store"
url=$SERVE_URL/images/app
options="store=$WORK/store,digest=$IMAGE_DIGEST,verity_check=0,backend=overlay"

mount_cfs "$url" "$WORK/mnt" "$options"
cmp "$WORK/tree/file" "$WORK/mnt/file"
findmnt -n -o OPTIONS "$WORK/mnt" >"$WORK/options"
! grep -qF "$WORK/store/objects" "$WORK/options" || fail "objects/ was resolved again: $(cat "$WORK/options")"
mount.composefs "$url" "$WORK/mnt" -o "remount,$options,noexec"
cmp "$WORK/tree/file" "$WORK/mnt/file"
findmnt -n -o OPTIONS "$WORK/mnt" >"$WORK/options"
assert_in noexec "$WORK/options"
umount "$WORK/mnt"

# The store is that user's still, and a link in place of objects/ is refused by name.
assert_eq "$(stat -c %u "$WORK/store/objects")" 65534 "owner of objects/"
mv "$WORK/store/objects" "$WORK/store/real"
ln -s "$WORK/secret" "$WORK/store/objects"
assert_fails mount.composefs "$url" "$WORK/mnt" -o "$options" 2>"$WORK/err"
assert_in "objects: a symbolic link" "$WORK/err"

# In a store of root's the table of mounts shows where the objects are.
mount_cfs "$url" "$WORK/mnt" "store=$WORK/roots,digest=$IMAGE_DIGEST,verity_check=0,backend=overlay"
findmnt -n -o OPTIONS "$WORK/mnt" >"$WORK/options"
assert_in "$WORK/roots/objects" "$WORK/options"
umount "$WORK/mnt"
