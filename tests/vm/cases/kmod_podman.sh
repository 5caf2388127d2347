#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 300
#
# podman's own overlay fits on top of a lazily fetched root file system of composefs.ko: a
# container runs out of it and writes, what it runs is fetched, sealed and verified, and
# the image stays as it was.
. "$(dirname "$0")/../module.sh"
need_cmd podman crun conmon
compgen -G '/sys/class/net/e*' >/dev/null || skip "the debug guest has no network"

mkdir store
mount_cfs "$VM_DEBIAN_URL/images/debian" "$WORK/mnt" \
	"store=$WORK/store,digest=$VM_DEBIAN_DIGEST,backend=kernel"
podman --root "$WORK/podman" --runroot /run/podman --tmpdir /run/podman.tmp \
	--cgroup-manager=cgroupfs run --rm --cgroups=disabled --network=none \
	--rootfs "$WORK/mnt:O" /bin/sh -ec '
		echo written >/etc/new-file
		cat /etc/new-file
		echo more >>/etc/debian_version
		rm /etc/issue
		grep " / " /proc/mounts | cut -d " " -f 3
		perl -e "print 6 * 7"' >out
assert_eq "$(tr '\n' ' ' <out)" "written overlay 42" "what the container printed"
assert_fails stat mnt/etc/new-file 2>/dev/null
stat mnt/etc/issue >/dev/null
assert_eq "$(wc -l <mnt/etc/debian_version)" 1 "the image's own file"
fetched=$(count_objects store)
echo "$fetched objects were fetched"
[ "$fetched" -gt 5 ] || fail "nothing was fetched"
[ "$fetched" -lt 200 ] || fail "$fetched objects for a shell and perl"
assert_eq "$(find store/objects -type f -exec fsverity measure {} + | grep -c '^sha256:')" \
	"$fetched" "sealed objects"
umount mnt
wait_for 10 eval '! pgrep -x cfs-fetch >/dev/null'
