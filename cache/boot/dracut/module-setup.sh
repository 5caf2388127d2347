#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# dracut: what root=cfs:<digest> needs, see composefs-boot(7).  Only if asked for, with
# --add cfs or add_dracutmodules; needs systemd in the initramfs, as Debian has it.
#
#	cmdline hook	the network is needed, the root is known
#	root-path.conf	DHCP is asked for the root-path, which may be the mirror
#	generator	sysroot.mount, of the type cfsroot
#	mount.cfsroot	from there on it is root.sh

check() {
	require_binaries mke2fs || return 1
	return 255
}

depends() {
	echo systemd-initrd network
}

installkernel() {
	hostonly='' instmods composefs overlay fuse erofs ext4 zram brd
}

install() {
	local program

	# dracut's own names.
	# shellcheck disable=SC2154
	for program in cfs-fetch mount.composefs cfs-cmdline; do
		if [ -x "$dracutsysrootdir/usr/lib/composefs/initramfs/$program" ]; then
			inst "/usr/lib/composefs/initramfs/$program" "/usr/sbin/$program"
		else
			inst "/usr/sbin/$program"
		fi
	done
	inst_multiple cat chmod mkdir mke2fs modprobe mount sleep umount
	inst_multiple -o /etc/mke2fs.conf /etc/ssl/certs/ca-certificates.crt
	inst_simple /usr/lib/composefs/root.sh
	# shellcheck disable=SC2154
	inst_simple "$moddir/mount.cfsroot" /usr/sbin/mount.cfsroot
	# shellcheck disable=SC2154
	inst_simple "$moddir/generator" "$systemdutildir/system-generators/dracut-cfs-generator"
	# shellcheck disable=SC2154
	inst_simple "$moddir/root-path.conf" "$systemdsystemunitdir/systemd-network-generator.service.d/cfs.conf"
	inst_hook cmdline 90 "$moddir/parse-cfs.sh"
}
