#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# origin.sh [VERSION]: the Debian tree as an image and objects, in the store
# $CFS_BUILD/boot/origin, named debian-VERSION (default 1); prints the digest.  Another
# VERSION differs in some files, as an update would.
#
# What is added to the tree: the kernel's modules, the composefs programs and units, a
# root login without password on the serial console, and ssh keys made at first boot.
#
#	CFS_BOOT_TREE	a root file system to take instead of the one of trees.sh
#	CFS_BOOT_COPIES	a folder that also gets the tree as root.ext4 and root.squashfs, to
#			compare with
set -eEuo pipefail
shopt -s inherit_errexit
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
. "$here/../suite.sh"
. "$here/install.sh"

version=${1:-1}
CFS_BUILD=$(realpath "${CFS_BUILD:-$top/build}")
origin=$CFS_BUILD/boot/origin

if [ -z "${CFS_BOOT_NAMESPACE:-}" ]; then
	small=$(small_programs)
	export small
	CFS_BOOT_NAMESPACE=1 exec unshare --mount --propagation private "$0" "$version"
fi

add_login() {
	local root=$1 dir

	dir=$root/etc/systemd/system/serial-getty@ttyS0.service.d
	mkdir -p "$dir"
	cat >"$dir/autologin.conf" <<-'END'
	[Service]
	ExecStart=
	ExecStart=-/sbin/agetty --autologin root --noclear --keep-baud 115200 %I vt220
	END
	dir=$root/etc/systemd/system/ssh.service.d
	mkdir -p "$dir"
	cat >"$dir/keys.conf" <<-'END'
	[Service]
	ExecStartPre=
	ExecStartPre=/bin/sh -c '[ -e /etc/ssh/ssh_host_ed25519_key ] || exec ssh-keygen -q -N "" -t ed25519 -f /etc/ssh/ssh_host_ed25519_key'
	ExecStartPre=/usr/sbin/sshd -t
	END
	echo cfs >"$root/etc/hostname"
	: >"$root/etc/machine-id"
	# What fstab says of / would be about another file system.
	: >"$root/etc/fstab"
	rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/*.log
	# Nothing wants to be downloaded while things are measured.
	rm -f "$root"/etc/systemd/system/timers.target.wants/apt-daily*.timer
}

# What an update changes: some programs, some data, and a file that a machine may have
# made for itself.
change() {
	local root=$1

	echo "$version" >"$root/etc/version"
	[ "$version" != 1 ] || return 0
	head -c 3000000 /dev/urandom >"$root/usr/lib/new-in-$version"
	printf '\n# version %s\n' "$version" >>"$root/etc/bash.bashrc"
	seq 200000 >"$root/usr/share/numbers"
}

work=$(mktemp -d "${TMPDIR:-/var/tmp}/cfs-origin.XXXXXX")
trap 'umount -R -l "$work/tree" "$work/rw" 2>/dev/null || true; rm -rf --one-file-system "$work"' EXIT
mkdir -p "$origin"
overlay_over "${CFS_BOOT_TREE:-$("$here/trees.sh" os)}" "$work"
install_modules "$work/tree"
# shellcheck disable=SC2154
install_system "$work/tree" "$small"
add_login "$work/tree"
change "$work/tree"
"$CFS_BUILD/cache/mkcomposefs" --store="$origin" --name="debian-$version" --print-digest "$work/tree"
if [ -n "${CFS_BOOT_COPIES:-}" ]; then
	mke2fs -q -t ext4 -b 4096 -L root -d "$work/tree" "$CFS_BOOT_COPIES/root.ext4" 1200M
	mksquashfs "$work/tree" "$CFS_BOOT_COPIES/root.squashfs" -comp zstd -quiet -no-progress
fi
