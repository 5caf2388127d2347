#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# boot.sh KERNEL CASE...: boot a guest with a kernel of fetch-kernels.sh, or with the
# debug kernel of build-debug-kernel.sh, and run the cases (paths of shell scripts) in
# it, one after the other; one line of verdict each.
#
#	boot.sh 6.12 tests/vm/cases/verity.sh
#	boot.sh debug -		only boot: a shell script on stdin is the case
#
# The guest's root is the machine's own root over virtiofs (hostfs for the debug kernel),
# read-only but for $CFS_BUILD/vm/KERNEL/, where logs and verdicts are left:
#
#	NAME.log NAME.status NAME.seconds	of each case
#	NAME.dmesg	what the kernel said meanwhile; BUG, WARNING or Oops fail the case,
#			and so does what kmemleak finds where there is one
#	serial.log	the whole run
#
# An emulated kernel stalls where the host has no time for it.  A case that failed while it
# did, and only then (dmesg.sh), runs once more in a new guest, and a line RETRY says so; what
# the first left is NAME.stalled.*.
#
# A new ext4 with fs-verity is at /mnt, which is $TMPDIR of the cases; the machine's
# 127.0.0.1 is 10.0.2.2 in the guest.  A case CASE.sh with a CASE.host.sh beside it
# has that sourced here before the boot; what it exports as VM_* the case sees.
#
#	CFS_VM_DISK_FILE	a disk to use as it is and to keep, instead of a new one
#	CFS_VM_NAME	of the folder below $CFS_BUILD/vm/, if not the kernel's
#	CFS_VM_QEMU	more arguments for qemu; CFS_VM_SMP	processors, default 2
#
# The guest is emulated even where there is a /dev/kvm: those of nested machines cannot
# be relied on.  CFS_VM_ACCEL=kvm is for those who know theirs.  The debug kernel is a
# program of this machine (user mode Linux) and has one processor and no network.
#
# Needs root: for the read-only view of the root, in a mount namespace of its own.
set -eEuo pipefail
shopt -s inherit_errexit
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../suite.sh"
. "$here/../report.sh"
. "$here/dmesg.sh"

kernel=${1:?boot.sh KERNEL CASE...}
shift
CFS_BUILD=$(realpath "${CFS_BUILD:-$here/../../build}")
export CFS_BUILD
dir=$CFS_CACHE/kernels/$kernel
run=$CFS_BUILD/vm/${CFS_VM_NAME:-$kernel}
limit=${CFS_VM_LIMIT:-$((600 + 60 * $# + ${VM_HOSTILE_SECONDS:-0}))}
export CFS_CASE_LIMIT=${CFS_CASE_LIMIT:-$((300 + ${VM_HOSTILE_SECONDS:-0}))}

if [ -z "${CFS_VM_NAMESPACE:-}" ]; then
	CFS_VM_NAMESPACE=1 exec unshare --mount --propagation private "$0" "$kernel" "$@"
fi
[ -e "$dir/vmlinuz" ] || [ -e "$dir/linux" ] || {
	echo "boot.sh: no kernel $kernel: run fetch-kernels.sh or build-debug-kernel.sh first" >&2
	exit 1
}

# The machine's root without its pseudo file systems, read-only but for $run.
make_view() {
	local view=$run/root target

	mkdir -p "$view"
	mount --rbind / "$view"
	for target in proc sys dev run; do
		umount -R -l "$view/$target" 2>/dev/null || true
	done
	mount --bind "$run" "$view$run"
	awk -v v="$view" '$5 == v || index($5, v "/") == 1 { print $5 }' /proc/self/mountinfo |
		while read -r target; do
			target=$(printf '%b' "$target")
			[ "$target" = "$view$run" ] || mount -o remount,bind,ro "$target"
		done
}

case_name() {
	local name=${1##*/}

	echo "${name%.sh}"
}

prepare() {
	local case host

	rm -rf --one-file-system "$run"
	mkdir -p "$run"
	: >"$run/cases"
	for case; do
		if [ "$case" = - ]; then
			case=$run/stdin.sh
			cat >"$case"
		fi
		realpath "$case" >>"$run/cases"
		host=${case%.sh}.host.sh
		if [ -e "$host" ]; then
			# shellcheck source=/dev/null
			. "$host"
		fi
	done
	{
		for case in CFS_BUILD CFS_CACHE CFS_CASE_LIMIT "${!VM_@}"; do
			[ -z "${!case:-}" ] || printf 'export %s=%q\n' "$case" "${!case}"
		done
		echo "export CFS_KERNEL=$kernel KERNEL_DIR=$dir"
	} >"$run/env"
}

make_disk() {
	[ -z "${CFS_VM_DISK_FILE:-}" ] || return 0
	rm -f "$run/disk.img"
	truncate -s "${CFS_VM_DISK:-4G}" "$run/disk.img"
	mke2fs -q -t ext4 -O verity -b 4096 "$run/disk.img"
}

boot_uml() {
	local append

	read -ra append <<<"${CFS_VM_APPEND:-}"
	timeout "$limit" "$dir/linux" mem="${CFS_VM_MEMORY:-1G}" umid=guest uml_dir="$run/" \
		root=/dev/root rootfstype=hostfs rootflags="$run/root" rw \
		ubd0="${CFS_VM_DISK_FILE:-$run/disk.img}" con=null con0=null,fd:1 \
		kasan_multi_shot log_buf_len=16M quiet loglevel=4 panic=-1 init="$here/init.sh" CFS_VM_RUN="$run" \
		"${append[@]}" </dev/null >"$run/serial.log" 2>"$run/uml.log"
}

boot_qemu() {
	local socket=$run/fs.sock qemu=$CFS_CACHE/qemu/usr more

	read -ra more <<<"${CFS_VM_QEMU:-}"
	rm -f "$socket"
	/usr/lib/qemu/virtiofsd --socket-path="$socket" -o source="$run/root" \
		-o sandbox=chroot -o cache=always -o xattr >"$run/virtiofsd.log" 2>&1 &
	pids+=($!)
	for _ in $(seq 200); do
		[ ! -S "$socket" ] || break
		sleep 0.05
	done
	timeout "$limit" "$qemu/bin/qemu-system-x86_64" \
		-L "$qemu/share/qemu" -L /usr/share/seabios -L /usr/share/qemu \
		-nodefaults -no-user-config -display none -no-reboot \
		-machine q35 -accel "${CFS_VM_ACCEL:-tcg,thread=multi}" -cpu max \
		-smp "${CFS_VM_SMP:-2}" "${more[@]}" -m "${CFS_VM_MEMORY:-1G}" \
		-object memory-backend-memfd,id=mem,size="${CFS_VM_MEMORY:-1G}",share=on \
		-numa node,memdev=mem \
		-chardev socket,id=fs,path="$socket" \
		-device vhost-user-fs-pci,chardev=fs,tag=root \
		-drive file="${CFS_VM_DISK_FILE:-$run/disk.img}",if=none,id=disk,format=raw,cache=unsafe \
		-device nvme,serial=disk,drive=disk \
		-nic user,model=virtio-net-pci -device virtio-rng-pci \
		-kernel "$dir/vmlinuz" -serial "file:$run/serial.log" \
		-append "console=ttyS0 log_buf_len=4M quiet loglevel=4 panic=-1 oops=panic rootfstype=virtiofs root=root rw init=$here/init.sh CFS_VM_RUN=$run ${CFS_VM_APPEND:-}" \
		</dev/null >"$run/qemu.log" 2>&1
}

pids=()
# shellcheck disable=SC2317
finish() {
	local pid

	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
	umount -R -l "$run/root" 2>/dev/null || true
	rm -f "$run/disk.img"
}
trap finish EXIT

# The cases of $run/cases, in a guest of their own; sets status.
boot() {
	status=0
	make_disk
	if [ -e "$dir/linux" ]; then
		boot_uml || status=$?
	else
		boot_qemu || status=$?
		[ "$status" -eq 0 ] || cat "$run/qemu.log"
	fi
}

# Those that did not come to a good end, and only because the kernel stalled.
stalled_cases() {
	local case name

	while read -r case; do
		name=$(case_name "$case")
		if [ ! -e "$run/$name.status" ]; then
			! only_stalled "$run/serial.log" || echo "$case"
		elif ! grep -qxE '0|77' "$run/$name.status"; then
			! only_stalled "$run/$name.dmesg" || echo "$case"
		fi
	done <"$run/cases"
}

boot_again() {
	local case name file

	cp "$run/cases" "$run/cases.all"
	printf '%s\n' "$@" >"$run/cases"
	for case; do
		name=$(case_name "$case")
		echo "RETRY vm/$kernel/$name: the emulated kernel stalled in RCU, see $name.stalled.*"
		for file in "$run/$name".*; do
			mv "$file" "$run/$name.stalled.${file##*.}"
		done
	done
	mv "$run/serial.log" "$run/serial.stalled.log"
	boot
	mv "$run/cases.all" "$run/cases"
}

prepare "$@"
make_view
boot
mapfile -t again < <(stalled_cases)
if [ "${#again[@]}" -gt 0 ] && [ ! -e "$dir/linux" ] && [ -z "${CFS_VM_DISK_FILE:-}" ]; then
	boot_again "${again[@]}"
fi
failed=0
while read -r case; do
	name=$(case_name "$case")
	log=$run/$name.log
	if [ ! -e "$run/$name.status" ]; then
		{
			echo "the guest ended (status $status) before this case did"
			tail -n 60 "$run/serial.log" 2>/dev/null
		} >>"$log"
		echo 1 >"$run/$name.status"
	fi
	result=$(cat "$run/$name.status")
	report "$result" "vm/$kernel/$name" "$(cat "$run/$name.seconds" 2>/dev/null || echo '?')" "$log"
	[ "$result" = 0 ] || [ "$result" = 77 ] || failed=1
done <"$run/cases"
exit "$failed"
