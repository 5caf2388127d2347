#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 300
#
# A store made by the existing mkcomposefs is used as it is by all of ours; and ours by
# the existing mount.composefs and composefs-info.
. "${0%/*}/lib.sh"
need_root
need_fs erofs
need_fs overlay
need_prog mkcomposefs mount.composefs cfs-store cfs-seed cfs-serve
theirs=$("$CFS_TOP/tests/sid-tools.sh")
cd "$WORK"
make_tree tree
for i in $(seq 20); do
	head -c $((i * 5000)) /dev/urandom >"tree/file$i"
done

# Theirs, used by ours.
"$theirs" mkcomposefs --digest-store=old tree image
digest=$(composefs-info measure-file image)
mount_cfs image mnt "basedir=old,digest=$digest,verity_check=0,backend=overlay"
check compare-trees --hash tree mnt
umount mnt
mkdir store
mv old store/objects
cfs-store import store image theirs >imported
assert_eq "$(cat imported)" "$digest" "what was imported"
cfs-store verify --full store
cfs-store ls store >list
assert_in theirs list
cfs-store gc store >collected
assert_in "removed nothing" collected
cfs-seed --store=local --from=store --quiet --name=copy store/images/theirs
cfs-store verify --full local
start_serve "$WORK/store"
cfs-seed --store=remote --mirror="$SERVE_URL" --quiet theirs
composefs-info --basedir=remote/objects missing-objects remote/images/theirs

# Ours, used by theirs; and the same tree is the same image.
make_store ours tree app
assert_eq "$IMAGE_DIGEST" "$digest" "the digest of the same tree"
"$theirs" composefs-info --basedir=ours/objects missing-objects ours/images/app >missing
assert_eq "$(cat missing)" "" "objects that the existing composefs-info misses"
for store in ours remote local; do
	"$theirs" mount.composefs "$(echo "$store"/images/*)" mnt -o "basedir=$WORK/$store/objects"
	check compare-trees --hash tree mnt
	umount mnt
done
