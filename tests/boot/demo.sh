#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# demo.sh [--disk FILE] [--tree DIR] [--only-build]: boot a Debian over HTTP in QEMU, here on the terminal, and see
# what it fetched.  Everything is built first; the first time that takes minutes.
#
#	--disk FILE	keep the machine's store in FILE: the next boot needs no network
#	--tree DIR	boot this root file system (with systemd and udev) and not the
#			demo's own: from mmdebstrap, or `podman export NAME | tar -x -C DIR`
#	--only-build	stop where the machine would be switched on
#
# Every command that matters is shown as it is run.  Needs root on a Debian 12.
#
#	CFS_CACHE	packages, kernel, QEMU and trees; default .cache/
#	CFS_NO_SETUP	set: install nothing
set -eEuo pipefail
shopt -s inherit_errexit
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
. "$here/../suite.sh"
export CFS_BUILD=${CFS_BUILD:-$top/build} LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin

disk='' only_build=''
while [ "$#" -gt 0 ]; do
	case $1 in
	--disk) disk=$(realpath -m "${2:?--disk FILE}"); shift ;;
	--tree) CFS_BOOT_TREE=$(realpath "${2:?--tree DIR}"); export CFS_BOOT_TREE; shift ;;
	--only-build) only_build=1 ;;
	-h | --help) sed -n '3,/^set /s/^# \{0,1\}//p' "$0"; exit 0 ;;
	*) echo "demo.sh: unknown option $1" >&2; exit 2 ;;
	esac
	shift
done
[ "$(id -u)" = 0 ] || { echo "demo.sh: needs root, to make the trees: sudo $0" >&2; exit 1; }

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
show() { printf '    $ %s\n' "$*"; }
work=$(mktemp -d "${TMPDIR:-/var/tmp}/cfs-boot.XXXXXX")
serve_pid=
finish() {
	[ -z "$serve_pid" ] || kill "$serve_pid" 2>/dev/null || true
	rm -rf "$work"
}
trap finish EXIT
quietly() { "$@" >"$work/log" 2>&1 || { tail -n 40 "$work/log" >&2; exit 1; }; }

if [ -z "${CFS_NO_SETUP:-}" ]; then
	say "1. Packages"
	"$top/tests/setup.sh" build demo vm
fi
say "2. Programs, kernel module, Debian's kernel and QEMU"
quietly cmake -S "$top" -B "$CFS_BUILD" -G Ninja
quietly ninja -C "$CFS_BUILD"
quietly "$top/tests/vm/fetch-kernels.sh" 6.12
quietly "$top/tests/vm/build-module.sh" 6.12
say "3. The tree becomes an image and objects"
show "mkcomposefs --store=$CFS_BUILD/boot/origin --name=debian-1 --print-digest TREE"
digest=$("$here/origin.sh" 1 2>"$work/log" | tail -n 1) || { cat "$work/log" >&2; exit 1; }
objects=$(find "$CFS_BUILD/boot/origin/objects" -type f | wc -l)
echo "    digest $digest, $objects objects"
say "4. An initramfs, by Debian's initramfs-tools with the hook of cache/boot/"
show "update-initramfs -u    # on an installed machine"
quietly "$here/initramfs.sh" initramfs-tools
initramfs=$CFS_BUILD/boot/initramfs-tools.img
echo "    $initramfs, $(($(stat -c %s "$initramfs") / 1048576)) MiB"

say "5. The objects over HTTP"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
show "cfs-serve --listen 127.0.0.1:$port $CFS_BUILD/boot/origin"
if [ -n "$disk" ]; then
	words="cfs.store=LABEL=cfs"
	if [ ! -e "$disk" ]; then
		show "mke2fs -t ext4 -O verity -i 4096 -L cfs $disk"
		truncate -s 2G "$disk"
		mke2fs -q -t ext4 -O verity -b 4096 -i 4096 -L cfs "$disk"
	fi
else
	words="cfs.store=zram:60%"
fi
words="root=cfs:$digest cfs.mirror=http://10.0.2.2:$port $words"
qemu=$CFS_CACHE/qemu/usr
# shellcheck disable=SC2054
command=("$qemu/bin/qemu-system-x86_64" -L "$qemu/share/qemu" -L /usr/share/seabios -L /usr/share/qemu
	-machine q35 -accel "${CFS_VM_ACCEL:-tcg,thread=multi}" -cpu max -smp 2 -m 2G -nographic
	-nodefaults -no-user-config -no-reboot -serial mon:stdio
	-kernel "$CFS_CACHE/kernels/6.12/vmlinuz" -initrd "$initramfs"
	-nic user,model=virtio-net-pci -device virtio-rng-pci
	-append "console=ttyS0 $words")
[ -z "$disk" ] || command+=(-drive "file=$disk,if=virtio,format=raw")

say "6. The machine"
show "$(printf '%q ' "${command[@]}")"
cat <<END
    The same on real hardware, by iPXE, with kernel and initramfs on any web server:
	#!ipxe
	kernel http://SERVER/vmlinuz initrd=initramfs.img ${words/10.0.2.2:$port/SERVER:8080} BOOTIF=01-\${mac:hexhyp}
	initrd http://SERVER/initramfs.img
	boot
    In the machine: cfs-fetch status --booted, and poweroff to end (Ctrl-a x cuts the power).
    What is fetched, as it is: tail -f $CFS_BUILD/boot/access.log
END
[ -z "$only_build" ] || exit 0
: >"$CFS_BUILD/boot/access.log"
"$CFS_BUILD/server/cfs-serve" --listen "127.0.0.1:$port" --access-log="$CFS_BUILD/boot/access.log" \
	"$CFS_BUILD/boot/origin" 2>"$work/serve.log" &
serve_pid=$!
"${command[@]}"

say "7. What was fetched"
awk -v all="$objects" '
	match($0, /bytes=[0-9]+/) && /status=200/ { n++; b += substr($0, RSTART + 6, RLENGTH - 6) }
	END { printf "    %d of %d objects, %.1f MB\n", n, all, b / 1e6 }' "$CFS_BUILD/boot/access.log"
