#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An image may read files from paths that are not made of their digests, as ostree's
# do.  No mirror has such a thing, so that in a lazy mount a read is EIO, with a line in the
# log, and never ENOENT; what another basedir has opens; other names still do not exist.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_fs erofs
need_fs overlay
need_prog cfs-fetch cfs-serve mkcomposefs cfs-store composefs-info mount.composefs

make_tree "$WORK/tree"
make_origin
start_mirror
# ostree's names, deep ones, one of a single name, and another object's name.
composefs-info dump "$ORIGIN/images/tree" | awk '
	$1 == "/size-4097" { $9 = $9 ".file" }
	$1 == "/large" { $9 = "repo/objects/x/y" }
	$1 == "/size-4096" { $9 = "payload" }
	{ print }' >"$WORK/dump"
mkcomposefs --from-file "$WORK/dump" "$WORK/foreign.img"
other=$(path_of size-4097).file
store=$WORK/store
mkdir -p "$store/objects" "$store/images"
cfs-store import "$store" "$WORK/foreign.img" foreign >/dev/null
start_fetch "$store" "$WORK/objects" --mirror "$SERVE_URL" --no-prefetch
assert_in "unfetchable image=" "$FETCH_LOG"
mount_by_hand "$store/images/foreign" "$WORK/mnt" "$store/objects" "$WORK/objects/retry"

lines=$(grep -c refused "$FETCH_LOG" || true)
for file in size-4097 large size-4096; do
	assert_errno EIO open "$WORK/mnt/$file"
done
assert_eq "$(($(grep -c refused "$FETCH_LOG") - lines))" 3 "lines in the log"
assert_in "file=${other#*/}" "$FETCH_LOG"
assert_errno EIO open "$WORK/objects/$other"
assert_errno EIO open "$WORK/objects/repo/objects/x/y"
assert_errno ENOENT open "$WORK/objects/$other.other"
assert_errno ENOENT open "$WORK/objects/unheard-of"
assert_errno ENOENT open "$WORK/objects/${other%%/*}/unheard-of"
# The rest of the image is read as ever.
cmp "$WORK/tree/size-4095" "$WORK/mnt/size-4095"
umount "$WORK/mnt" "$WORK/mnt.erofs"

# Another basedir has them.
mkdir -p "$WORK/pool/${other%%/*}" "$WORK/pool/repo/objects/x"
cp "$WORK/tree/size-4097" "$WORK/pool/$other"
cp "$WORK/tree/large" "$WORK/pool/repo/objects/x/y"
mount_by_hand "$store/images/foreign" "$WORK/mnt" "$store/objects" "$WORK/pool" \
	"$WORK/objects/retry"
cmp "$WORK/tree/size-4097" "$WORK/mnt/size-4097"
cmp "$WORK/tree/large" "$WORK/mnt/large"
assert_errno EIO open "$WORK/mnt/size-4096"
umount "$WORK/mnt"

# The same through the helper.
mount.composefs "$WORK/foreign.img" "$WORK/mnt" -o \
	"store=$WORK/other,mirror=$SERVE_URL,log=$WORK/log,verity_check=0,backend=overlay"
assert_errno EIO open "$WORK/mnt/size-4097"
assert_in refused "$WORK/log"
assert_in "unfetchable image=" "$WORK/log"
umount "$WORK/mnt"
