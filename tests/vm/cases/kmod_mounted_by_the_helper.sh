#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 200
#
# mount.composefs with the module: chosen when it is there, by path and by URL, with a
# fetcher that lives as long as the mount; /proc/mounts says what is in force.
. "$(dirname "$0")/../module.sh"
# shellcheck source=tests/e2e/lazy.sh
. "$E2E/lazy.sh"

mounted() { awk -v d="$WORK/mnt" '$2 == d { print $1, $3, $4 }' /proc/mounts; }

make_origin
image=$(realpath "$ORIGIN/images/tree")
objects=$ORIGIN/objects

for backend in ,backend=kernel ''; do
	mount_cfs "$image" "$WORK/mnt" "basedir=$objects,digest=$IMAGE_DIGEST$backend"
	assert_eq "$(mounted)" \
		"$image composefs ro,relatime,basedir=$objects,digest=$IMAGE_DIGEST,verity_check=2"
	cmp tree/large mnt/large
	umount mnt
done
mount_cfs "$image" "$WORK/mnt" "basedir=$objects,backend=overlay,verity"
[[ $(mounted) == *" overlay "* ]] || fail "backend=overlay: $(mounted)"
umount mnt
for check in 0 1 2; do
	mount_cfs "$image" "$WORK/mnt" "basedir=$objects,verity_check=$check,nosuid,nodev,noexec"
	assert_eq "$(mounted)" \
		"$image composefs ro,nosuid,nodev,noexec,relatime,basedir=$objects,verity_check=$check"
	umount mnt
done

# What the kernel says reaches the user.
cp "$image" unsealed
assert_fails mount.composefs unsealed mnt -o "basedir=$objects,digest=$IMAGE_DIGEST" 2>err
assert_in "fs-verity" err
head -c 20000 /dev/zero >zeros
assert_fails mount.composefs zeros mnt -o "basedir=$objects" 2>err
assert_in "composefs image" err

# 500 folders, with names that have what the kernel escapes.
many=
for n in $(seq 499); do
	mkdir -p "empty/back\\slash:$n"
	many+="empty/back\\\\slash\\:$n:"
done
mount_cfs "$image" "$WORK/mnt" "basedir=$many$objects"
cmp tree/large mnt/large
umount mnt
mkdir "a:b"
assert_fails mount.composefs "$image" mnt -o "basedir=$many$objects:empty" 2>err
assert_in "more than 500" err

# By URL: what is opened comes, is sealed, and is checked by the kernel.
start_mirror
mkdir store
mount_cfs "$SERVE_URL/images/tree" "$WORK/mnt" "store=$WORK/store,digest=$IMAGE_DIGEST"
assert_eq "$(mounted)" \
	"$WORK/store/objects/$(object_path "$IMAGE_DIGEST") composefs ro,relatime,basedir=$WORK/store/objects:m1,digest=$IMAGE_DIGEST,verity_check=2"
find mnt -ls >/dev/null
assert_eq "$(count_objects store)" 1 "objects before anything was opened"
cmp tree/large mnt/large
assert_eq "$(count_objects store)" 2 "objects after one open"
assert_eq "$(mount_counter "$WORK/mnt" fetched)" 1
check compare-trees --hash tree mnt
assert_eq "$(fsverity measure "store/objects/$(path_of large)" | cut -d ' ' -f 1)" \
	"sha256:$(composefs-info measure-file tree/large)"
umount mnt
wait_for 10 eval '! pgrep -x cfs-fetch >/dev/null'

# The fetcher dies: a remount brings another, with a file open and without an unmount.
mkdir store3
mount_cfs "$SERVE_URL/images/tree" "$WORK/mnt" "store=$WORK/store3,digest=$IMAGE_DIGEST"
exec 3<mnt/size-4097
pkill -KILL -x cfs-fetch
wait_for 10 eval '! pgrep -x cfs-fetch >/dev/null'
assert_eio cat mnt/large
# As mount(8) calls it: what is in force comes first.
mount.composefs "$image" mnt -o "$(mounted | cut -d ' ' -f 3),remount,store=store3,mirror=$SERVE_URL"
cmp tree/large mnt/large
cmp tree/size-4097 - <&3
exec 3<&-
cmp tree/size-4096 mnt/size-4096
umount mnt
wait_for 10 eval '! pgrep -x cfs-fetch >/dev/null'
mount_cfs "$image" "$WORK/mnt" "basedir=$objects,backend=overlay"
mount.composefs "$image" mnt -o "remount,noatime,basedir=$objects"
[[ $(mounted) == *" overlay ro,noatime,"* ]] || fail "$(mounted)"
assert_fails mount.composefs "$image" mnt -o "remount,basedir=$WORK/empty" 2>err
assert_in "unmount it" err
umount mnt

# Without digest= nothing is trusted.
mkdir store2
mount_cfs "$SERVE_URL/images/tree" "$WORK/mnt" "store=$WORK/store2" 2>err
assert_in "digest=$IMAGE_DIGEST" err
[[ $(mounted) == *" composefs ro,nosuid,nodev,"* ]] || fail "$(mounted)"
cmp tree/large mnt/large
umount mnt
