#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 300
#
# podman's own overlay fits on top of a lazily fetched root file system: a container
# runs a shell and python3 out of it and writes, and the image stays as it was.
. "${0%/*}/lib.sh"
need_root
need_fuse
need_cmd podman
root=$(debian_root)

debian_store
start_serve "$DEBIAN_STORE"
mkdir "$WORK/store"
mount_cfs "$SERVE_URL/images/debian" "$WORK/mnt" \
	"store=$WORK/store,digest=$IMAGE_DIGEST,tryverity"

# podman wants nothing but cgroup2 there, even when told to leave it alone.
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
podman --root "$WORK/podman" --runroot "$WORK/podman.run" --tmpdir "$WORK/podman.tmp" \
	--cgroup-manager=cgroupfs run --rm --cgroups=disabled --network=none \
	--rootfs "$WORK/mnt:O" /bin/sh -ec '
		echo written >/etc/new-file
		cat /etc/new-file
		rm /etc/debian_version
		python3 -c "print(6 * 7)"' >"$WORK/out"
assert_eq "$(tr '\n' ' ' <"$WORK/out")" "written 42 "
[ ! -e "$WORK/mnt/etc/new-file" ] || fail "the container wrote to the image"
cmp "$root/etc/debian_version" "$WORK/mnt/etc/debian_version"
fetched=$(count_objects "$WORK/store") all=$(count_objects "$DEBIAN_STORE")
[ $((fetched * 4)) -lt "$all" ] || fail "$fetched of $all objects were fetched"
