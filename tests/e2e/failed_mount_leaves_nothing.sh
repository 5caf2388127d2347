#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A mount that fails leaves no store that it would have made, whoever tries it and however
# it fails; what it says can be typed as it stands.
. "${0%/*}/lib.sh"
need_root
need_fuse
need_fs erofs

make_tree "$WORK/tree"
make_store "$WORK/origin" "$WORK/tree" tree
start_serve "$WORK/origin"
url=$SERVE_URL/images/tree
mkdir "$WORK/mnt" "$WORK/open"
chmod 777 "$WORK/open"
# Another user may have no way into the folder of this case.
chmod 755 "$WORK"
mount --bind "$WORK" /mnt
WORK_FOR_ALL=/mnt
start=$(ls -A "$WORK/open")

# left WHAT COMMAND...: it fails and leaves nothing.
left() {
	local what=$1

	shift
	assert_fails "$@" >"$WORK/out" 2>"$WORK/err"
	assert_eq "$(ls -A "$WORK/open")" "$start" "what is left of $what"
}

store=$WORK_FOR_ALL/open/store
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
left "a user's mount" as_nobody mount.composefs "$url" "$WORK_FOR_ALL/mnt" -o "store=$store"
assert_in "only root may mount" "$WORK/err"
left "a user's mount with a user namespace" as_nobody unshare -Ur \
	mount.composefs "$url" "$WORK_FOR_ALL/mnt" -o "store=$store"
left "a user's mount with both namespaces" as_nobody unshare -Urm \
	mount.composefs "$url" "$WORK_FOR_ALL/mnt" -o "store=$store"
left "a mount from a dead mirror" mount.composefs "http://127.0.0.1:1/images/tree" "$WORK/mnt" \
	-o "store=$store,deadline=1"
left "a mount of what no mirror has" mount.composefs "$SERVE_URL/images/none" "$WORK/mnt" -o "store=$store"
left "a mount on what is not there" mount.composefs "$url" "$WORK/nowhere" -o "store=$store"
left "a mount with a bad option" mount.composefs "$url" "$WORK/mnt" -o "store=$store,nonsense"
left "cfs-seed" cfs-seed --quiet --deadline=1 --store="$store" --mirror=http://127.0.0.1:1 tree
left "mkcomposefs" mkcomposefs --store="$store" "$WORK/nowhere"
# A folder that was there stays, and what is in it.
mkdir "$WORK/open/kept"
echo mine >"$WORK/open/kept/file"
start=kept
left "a mount into a folder" mount.composefs "$SERVE_URL/images/none" "$WORK/mnt" -o "store=$WORK/open/kept"
assert_eq "$(ls -A "$WORK/open/kept")" file "the folder that was there"

# Without fs-verity both remedies are told, with what has to be typed.
if ! has_verity "$WORK"; then
	start=kept
	left "a mount without fs-verity" mount.composefs "$url" "$WORK/mnt" -o "store=$store,digest=$IMAGE_DIGEST"
	assert_in ",tryverity" "$WORK/err"
	if [ "$(findmnt -no FSTYPE --target "$WORK")" = ext4 ]; then
		assert_in "tune2fs -O verity $(findmnt -no SOURCE --target "$WORK")" "$WORK/err"
	fi
	for asked in verity verity_check=2; do
		left "$asked" mount.composefs "$url" "$WORK/mnt" -o "store=$store,digest=$IMAGE_DIGEST,$asked"
		assert_in "tryverity in place of verity" "$WORK/err"
	done
	# On tmpfs there is no device that could be told to have it.
	mkdir "$WORK/tmpfs"
	mount -t tmpfs tmpfs "$WORK/tmpfs"
	assert_fails mount.composefs "$url" "$WORK/mnt" -o "store=$WORK/tmpfs/store,digest=$IMAGE_DIGEST" 2>"$WORK/err"
	assert_in "mkfs.ext4 -O verity" "$WORK/err"
	assert_in tmpfs "$WORK/err"
	assert_eq "$(ls -A "$WORK/tmpfs")" "" "what is left on tmpfs"
fi

# The hint for the next time works as it stands, whatever was given this time.
for options in "store=$store" "rw,store=$store,noexec" "store=$store,verity_check=0"; do
	mount.composefs "$url" "$WORK/mnt" -o "$options" 2>"$WORK/err"
	umount "$WORK/mnt"
	hint=$(sed -n "s/.* next time: \\(-o '.*'\\)$/\\1/p" "$WORK/err")
	[ -n "$hint" ] || fail "no hint: $(cat "$WORK/err")"
	eval "mount.composefs '$url' '$WORK/mnt' $hint" 2>"$WORK/err" || fail "$hint: $(cat "$WORK/err")"
	assert_in "composefs-$IMAGE_DIGEST" /proc/mounts
	umount "$WORK/mnt"
	rm -rf "$store"
done

# Names that begin as a URL does are none of files.
for source in ftp://127.0.0.1/images/tree FILE:///images/tree s3://bucket/images/tree; do
	assert_fails mount.composefs "$source" "$WORK/mnt" -o "store=$store" 2>"$WORK/err"
	assert_in "by http:// or https://" "$WORK/err"
done
mount.composefs "HTTP${SERVE_URL#http}/images/tree" "$WORK/mnt" -o "store=$store,digest=$IMAGE_DIGEST,verity_check=0"
cmp "$WORK/tree/large" "$WORK/mnt/large"
umount "$WORK/mnt"
