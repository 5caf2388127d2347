#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The guest's process 1, started by boot.sh: makes the pseudo file systems, mounts the
# disk, runs the cases one after the other and powers off.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/mnt

mount -t proc proc /proc
mount -t sysfs sys /sys
mountpoint -q /dev || mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts pts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t tmpfs run /run
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tracefs tracefs /sys/kernel/tracing
mount -t debugfs debugfs /sys/kernel/debug
ln -s /proc/self/fd /dev/fd
echo on >/proc/sys/kernel/printk_devkmsg

# shellcheck source=/dev/null
. "$CFS_VM_RUN/env"
top=$(cd "$(dirname "$0")/../.." && pwd)

# /tmp is new and writable; what of the project lies below it stays visible.
mkdir /run/host
mount --bind / /run/host
mount -t tmpfs tmp /tmp
for keep in "$top" "$CFS_BUILD" "$CFS_CACHE"; do
	if [ ! -d "$keep" ]; then
		mkdir -p "$keep"
		mount --bind "/run/host$keep" "$keep"
	fi
done

modules=
if [ -e "$KERNEL_DIR/modules" ]; then	# the debug kernel has them built in
	modules=$(realpath "$KERNEL_DIR/modules/../../..")
	for module in erofs overlay loop virtio_net; do
		modprobe -d "$modules" "$module" || echo "no module $module" >/dev/kmsg
	done
fi
disk=/dev/nvme0n1
[ -e "$disk" ] || disk=/dev/ubda
mount -t ext4 "$disk" /mnt
ip link set lo up
for nic in /sys/class/net/e*; do
	nic=${nic##*/}
	ip link set "$nic" up
	ip addr add 10.0.2.15/24 dev "$nic"
	ip route add default via 10.0.2.2
done
export TMPDIR=/mnt CFS_GUEST=1 CFS_KERNEL_MODULES=$modules

# shellcheck source=tests/vm/dmesg.sh
. "$top/tests/vm/dmesg.sh"
leaks=/sys/kernel/debug/kmemleak

# What kmemleak finds: an object must be 5 s old and look the same in two scans.
find_leaks() {
	[ -e "$leaks" ] || return 0
	sleep 5.2
	echo scan >"$leaks"
	echo scan >"$leaks"
	cat "$leaks"
	echo clear >"$leaks"
}

run_case() {
	local case=$1 name=${1##*/} log status start=$EPOCHREALTIME us allowed

	name=${name%.sh}
	log=$CFS_VM_RUN/$name
	dmesg --clear
	echo "case $name" >/dev/kmsg
	timeout -k 10 "${CFS_CASE_LIMIT:-300}" bash "$case" >"$log.log" 2>&1 </dev/null
	status=$?
	us=$((${EPOCHREALTIME/./} - ${start/./}))
	find_leaks >"$log.leaks" 2>&1
	dmesg >"$log.dmesg"
	allowed=$(sed -n 's/^# dmesg: //p' "$case")
	if ! grep -qF "case $name" "$log.dmesg"; then
		echo "the kernel has said more than it keeps: what is alarming may be lost" >>"$log.log"
		status=97
	fi
	if grep -E "$alarming" "$log.dmesg" | grep -vE "${allowed:-^$}" >"$log.alarm"; then
		{
			echo "the kernel complained:"
			cat "$log.dmesg"
		} >>"$log.log"
		status=99
	fi
	if [ -s "$log.leaks" ]; then
		{
			echo "kmemleak found:"
			cat "$log.leaks"
		} >>"$log.log"
		status=98
	fi
	printf '%d.%d\n' $((us / 1000000)) $((us / 100000 % 10)) >"$log.seconds"
	echo "$status" >"$log.status"
}

if [ -e "$leaks" ]; then
	echo scan=off >"$leaks"
	find_leaks >/dev/null	# the boot's are not ours
fi
while read -r case; do
	run_case "$case"
done <"$CFS_VM_RUN/cases"
sync
umount /mnt
echo o >/proc/sysrq-trigger
read -rt 30 <>/dev/tty0	# an init that ends is a panic
