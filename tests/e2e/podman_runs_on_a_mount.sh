#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# limit: 300
#
# podman makes its own overlay on a mount of a Debian root and runs a program there.
. "${0%/*}/lib.sh"
need_root
need_cmd podman
need_fs erofs
need_fs overlay
root=$(debian_root)

make_store "$WORK/store" "$root" debian
mount_cfs "$WORK/store/images/debian" "$WORK/mnt" "basedir=$WORK/store/objects"

# podman wants cgroup2 to be all there is.
umount -R /sys/fs/cgroup 2>/dev/null || umount -l /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup || skip "no cgroup2"
podman() {
	command podman --root "$WORK/podman" --runroot "$WORK/podman.run" --tmpdir "$WORK/podman.tmp" \
		--storage-driver vfs --cgroup-manager cgroupfs "$@"
}
out=$(podman run --rm --cgroups=disabled --network=none --rootfs "$WORK/mnt:O" \
	/bin/sh -c 'echo changed >/etc/hostname.new && cat /etc/hostname.new && sed -n 1p /etc/os-release') ||
	fail "podman failed"
assert_eq "$out" "changed
$(sed -n 1p "$root/etc/os-release")"
[ ! -e "$WORK/mnt/etc/hostname.new" ] || fail "the image has changed"
