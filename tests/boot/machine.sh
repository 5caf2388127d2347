# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Sourced by the cases that boot: a machine in QEMU with the kernel 6.12, a network card
# and, unless a case wants none, a disk for the store.
#
#	machine_start WORD...	power on, with these words on the kernel command line
#	await TEXT [SECONDS]	until the console has said it since power-on
#	guest COMMAND		what the shell on the console prints; its status
#	still_fetches		the running system brings in what the store lacks
#	await_complete		until the store has all of the image (cfs.prefetch=all)
#	link on|off		the network card's cable
#	machine_off	until the machine has powered itself off
#
#	own_origin		a copy of $ORIGIN to add to
#	link_start MS		the mirror at a distance of MS milliseconds
#	dhcp_start ROOT-PATH	DHCP, and a name server that knows mirror.test, which is 10.0.2.2
#	$OWN_NETWORK	set before this is sourced: instead of QEMU's network one of a tap, on
#			which the case is 10.0.2.2
#
#	$mirror_url	of mirror_start and link_start, as the machine sees it
#	$INITRAMFS	initramfs-tools (default) or dracut
#	$MEMORY		default 1G
#	$FEATURES	of the file system of make_disk, default verity

if [ -n "${OWN_NETWORK:-}" ] && [ -z "${CFS_BOOT_NETWORK:-}" ]; then
	CFS_BOOT_NETWORK=1 exec unshare --net "$BASH" "$0" "$@"
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../e2e/lib.sh"
. "$here/../suite.sh"
. "$here/install.sh"

SERIAL=$WORK/serial.log
# A loaded machine emulates a tenth as fast as an idle one.
PATIENCE=${CFS_BOOT_PATIENCE:-400}
machine_pid=
netdev=user
command_line=(console=ttyS0 quiet loglevel=4 systemd.show_status=0)

# What every case begins with: the digest of an image of origin.sh, in the store.
ORIGIN=$CFS_BUILD/boot/origin
image_digest() {
	local link

	link=$(readlink "$ORIGIN/images/debian-$1")
	link=${link##*objects/}
	echo "${link/\//}"
}

# A new one for the store.
make_disk() {
	rm -f "$WORK/store.img"
	truncate -s 1G "$WORK/store.img"
	mke2fs -q -t ext4 -O "${FEATURES:-verity}" -b 4096 -i 4096 -L cfs "$WORK/store.img"
}

# mirror_start STORE [OPTION...]: as start_serve, which see; sets mirror_url.
mirror_start() {
	start_serve "$@"
	# shellcheck disable=SC2034
	mirror_url=http://10.0.2.2:$SERVE_PORT
}

# own_origin: ORIGIN becomes a copy, to which the case may add.
own_origin() {
	mkdir "$WORK/own"
	overlay_over "$ORIGIN" "$WORK/own"
	ORIGIN=$WORK/own/tree
}

# link_start MS: after mirror_start, which see: sets mirror_url to the mirror behind a link
# with that round trip.
link_start() {
	local port

	port=$(free_port)
	start_bg "$WORK/link.log" "$CFS_BUILD/tests/bench/delay_proxy" "$port" "$SERVE_PORT" "$1"
	wait_port "$port"
	# shellcheck disable=SC2034
	mirror_url=http://10.0.2.2:$port
}

dhcp_start() {
	[ -z "${DHCP_PID:-}" ] || stop_bg "$DHCP_PID"
	# A machine may call itself something else when it boots again.
	rm -f "$WORK/leases"
	start_bg "$WORK/dnsmasq.log" dnsmasq --keep-in-foreground --conf-file=/dev/null --user=root \
		--log-facility=- --log-dhcp --interface=tap0 --bind-interfaces \
		--no-resolv --no-hosts --address=/mirror.test/10.0.2.2 \
		--dhcp-leasefile="$WORK/leases" --pid-file= --dhcp-authoritative --no-ping \
		--dhcp-range=10.0.2.15,10.0.2.15,255.255.255.0 --dhcp-option="17,$1"
	DHCP_PID=$BG_PID
}

if [ -n "${OWN_NETWORK:-}" ]; then
	need_cmd dnsmasq ip
	ip link set lo up
	ip tuntap add tap0 mode tap
	ip addr add 10.0.2.2/24 dev tap0
	ip link set tap0 up
	netdev=tap,ifname=tap0,script=no,downscript=no
fi

machine_start() {
	local qemu=$CFS_CACHE/qemu/usr disks=() disk

	: >"$SERIAL"
	rm -f "$WORK/console" "$WORK/qmp"
	for disk in "$WORK"/*.img; do
		[ ! -e "$disk" ] || disks+=(-drive "file=$disk,if=virtio,format=raw,cache=unsafe")
	done
	"$qemu/bin/qemu-system-x86_64" \
		-L "$qemu/share/qemu" -L /usr/share/seabios -L /usr/share/qemu \
		-nodefaults -no-user-config -display none -no-reboot \
		-machine q35 -accel "${CFS_VM_ACCEL:-tcg,thread=multi}" -cpu max -smp 2 -m "${MEMORY:-1G}" \
		-kernel "$CFS_CACHE/kernels/6.12/vmlinuz" \
		-initrd "$CFS_BUILD/boot/${INITRAMFS:-initramfs-tools}.img" \
		-chardev "socket,id=con,path=$WORK/console,server=on,wait=off,logfile=$SERIAL" \
		-serial chardev:con -qmp "unix:$WORK/qmp,server=on,wait=off" \
		-netdev "$netdev,id=net" -device virtio-net-pci,netdev=net,id=nic,romfile= \
		-device virtio-rng-pci "${disks[@]}" \
		-append "${command_line[*]} $*" </dev/null >"$WORK/qemu.log" 2>&1 &
	machine_pid=$!
	at_exit machine_kill
}

await() {
	local end=$((SECONDS + ${2:-$PATIENCE}))

	until grep -qaF -e "$1" "$SERIAL"; do
		! grep -qa 'Kernel panic' "$SERIAL" || { tail -n 50 "$SERIAL"; fail "the kernel panicked"; }
		kill -0 "$machine_pid" 2>/dev/null || { tail -n 50 "$SERIAL"; fail "the machine ended before it said: $1"; }
		[ "$SECONDS" -lt "$end" ] || { tail -n 50 "$SERIAL"; fail "the machine did not say in time: $1"; }
		sleep 0.5
	done
}

guest() { python3 "$here/console.py" run "$WORK/console" "${GUEST_SECONDS:-$PATIENCE}" "$1"; }

link() { python3 "$here/console.py" qmp "$WORK/qmp" set_link "{\"name\": \"nic\", \"up\": $([ "$1" = on ] && echo true || echo false)}" >/dev/null; }

# still_fetches: the running system opens what the store lacks, and gets it.
still_fetches() {
	local objects

	objects=$(fetched total.fetched_objects)
	guest 'git --version' | grep -q '^git version'
	sleep 2
	[ "$(fetched total.fetched_objects)" -gt "$objects" ] || fail "nothing was fetched by the running system"
}

# fetched WHAT: a number of the status of the machine's fetcher, as "total.fetched_bytes".
fetched() { guest 'cat /run/composefs/status.json' | jq ".$1"; }

await_complete() {
	GUEST_SECONDS=$((3 * PATIENCE)) guest "until cfs-fetch status --booted | grep -q 'complete, no network is needed'; do sleep 2; done"
}

machine_off() {
	local end=$((SECONDS + PATIENCE))

	while kill -0 "$machine_pid" 2>/dev/null; do
		[ "$SECONDS" -lt "$end" ] || { tail -n 50 "$SERIAL"; fail "the machine is still on"; }
		sleep 0.5
	done
	wait "$machine_pid" || fail "QEMU: $(cat "$WORK/qemu.log")"
}

# The power is cut.
machine_kill() {
	kill -9 "$machine_pid" 2>/dev/null || true
	wait "$machine_pid" 2>/dev/null || true
}
