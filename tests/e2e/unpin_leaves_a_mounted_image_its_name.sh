#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The last name of an image that is mounted is not taken away, wherever the mount is;
# that the image is only being read, by a server say, does not count.
. "${0%/*}/lib.sh"
need_root
need_prog mkcomposefs mount.composefs cfs-store cfs-serve

mkdir "$WORK/tree"
seq 3000 >"$WORK/tree/file"
store=$WORK/store
make_store "$store" "$WORK/tree" app
refused() {
	assert_fails cfs-store unpin "$store" app >"$WORK/out" 2>&1
	assert_in "images/app: its image is mounted" "$WORK/out"
	[ -L "$store/images/app" ] || fail "the name is gone"
}

# Read, and not mounted.
start_bg "$WORK/log" bash -c 'exec 3<"$1"; exec sleep 100' reader "$store/images/app"
reader=$BG_PID
is_open() { find "/proc/$reader/fd" -lname "$store/objects/*" | grep -q .; }
wait_for 10 is_open
cfs-store unpin "$store" app
cfs-store pin "$store" app "$IMAGE_DIGEST"

for options in "" ",digest=$IMAGE_DIGEST"; do
	mount_cfs "$store/images/app" "$WORK/mnt" "basedir=$store/objects,verity_check=0$options"
	[ -z "$options" ] && stop_bg "$reader"
	refused
	# Another name keeps the image.
	cfs-store pin "$store" second app
	cfs-store unpin "$store" app
	cfs-store pin "$store" app second
	assert_fails cfs-store unpin "$store" second app >"$WORK/out" 2>&1
	[ -L "$store/images/app" ] || [ -L "$store/images/second" ] || fail "both names are gone"
	cfs-store pin "$store" app "$IMAGE_DIGEST"
	cfs-store unpin --force "$store" app
	cfs-store pin "$store" app "$IMAGE_DIGEST"
	rm -f "$store/images/second"
	umount "$WORK/mnt"
done

# In a namespace of its own, and lazily unmounted here.
mount_cfs "$store/images/app" "$WORK/mnt" "basedir=$store/objects,verity_check=0"
start_bg "$WORK/log" unshare --mount sleep 100
other=$BG_PID
another_namespace() { [ "$(readlink "/proc/$other/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ]; }
wait_for 10 another_namespace
umount "$WORK/mnt"
refused
stop_bg "$other"
cfs-store unpin "$store" app
