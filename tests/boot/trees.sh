#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# trees.sh os|tools: print the path of a Debian tree, made on the first call and kept in
# $CFS_CACHE/boot/; to be read only.
#
#	os	what is booted: systemd, udev, dbus, ssh and the usual tools, and the
#		modules of the kernel 6.12
#	tools	where initramfs images are made: initramfs-tools, dracut and what they copy
#
# A tree is made anew when its list of packages here changes.  Needs root.
set -eEuo pipefail
shopt -s inherit_errexit
. "$(dirname "$0")/../suite.sh"

case ${1:-} in
os) packages=ca-certificates,curl,dbus,git,gnupg,iproute2,kmod,less,locales,man-db,nano,openssh-server,perl,procps,python3,rsync,systemd-sysv,udev,vim ;;
tools) packages=busybox,dbus,dracut-core,dracut-network,e2fsprogs,initramfs-tools-core,iproute2,isc-dhcp-client,kmod,live-boot,live-boot-initramfs-tools,procps,systemd,udev,zstd ;;
*) echo "trees.sh os|tools" >&2; exit 2 ;;
esac
dir=$CFS_CACHE/boot/$1
mkdir -p "$CFS_CACHE/boot"
exec 9>"$dir.lock"
flock 9
if [ "$(cat "$dir.done" 2>/dev/null)" != "$packages" ]; then
	echo "making the Debian tree $dir, once" >&2
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	rm -rf --one-file-system "$dir" "$dir.done"
	apt-config dump | grep '^Acquire::' >"$dir.apt" || true
	mmdebstrap --variant=minbase --aptopt="$dir.apt" --include="$packages" \
		"$codename" "$dir" "deb $(machine_archive) $codename main" >"$dir.log" 2>&1 || {
		tail -n 30 "$dir.log" >&2
		exit 1
	}
	# Keys are each machine's own.
	rm -f "$dir"/etc/ssh/ssh_host_*
	echo "$packages" >"$dir.done"
fi
echo "$dir"
