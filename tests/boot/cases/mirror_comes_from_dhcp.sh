#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 1200
# on request: a short boot, and two of one to three minutes
#
# Without a mirror on the command line the machine takes the URL that DHCP has as
# root-path.  One that would add a mount option is refused.  Without DHCP the console says
# that there is no mirror, and the machine boots from what its store has; the rest is an
# I/O error.
#
# In a network of its own, which the guest has a tap of.
[ -n "${BOOT_NETWORK:-}" ] || BOOT_NETWORK=1 exec unshare --net "$BASH" "$0" "$@"
. "$(dirname "$0")/../machine.sh"
need_cmd dnsmasq ip

# dhcp ROOT-PATH: what the only other machine of the network is told.
dhcp() {
	[ -z "${DHCP_PID:-}" ] || stop_bg "$DHCP_PID"
	start_bg "$WORK/dnsmasq.log" dnsmasq --keep-in-foreground --conf-file=/dev/null --user=root \
		--log-facility=- --log-dhcp --port=0 --interface=tap0 --bind-interfaces \
		--dhcp-leasefile="$WORK/leases" --pid-file= --dhcp-authoritative --no-ping \
		--dhcp-range=10.0.2.15,10.0.2.15,255.255.255.0 --dhcp-option="17,$1"
	DHCP_PID=$BG_PID
}

ip link set lo up
ip tuntap add tap0 mode tap
ip addr add 10.0.2.2/24 dev tap0
ip link set tap0 up
export NETDEV=tap,ifname=tap0,script=no,downscript=no

digest=$(image_digest 1)
start_bg "$WORK/serve.log" cfs-serve --listen 10.0.2.2:8080 "$ORIGIN"
make_disk
dhcp 'http://10.0.2.2:8080/,upperdir=/'
machine_start "root=cfs:$digest" cfs.store=LABEL=cfs
await "DHCP's root-path is no mirror"
await '(initramfs)'
machine_kill

dhcp http://10.0.2.2:8080
machine_start "root=cfs:$digest" cfs.store=LABEL=cfs
await 'root@cfs:~#'
assert_eq "$(guest 'systemctl is-system-running --wait')" running "state"
assert_eq "$(fetched 'mirrors[0].url')" '"http://10.0.2.2:8080"' "mirror"
guest poweroff || true
machine_off
stop_bg "$DHCP_PID"

machine_start "root=cfs:$digest" cfs.store=LABEL=cfs
await 'no network after 15 s'
await "there is no mirror: what the store lacks can't be read"
await 'root@cfs:~#'
assert_eq "$(guest 'systemctl is-system-running --wait')" running "state without a mirror"
said=$(guest 'cat /usr/share/perl/5.36/CPAN.pm >/dev/null' || true)
case $said in
*"Input/output error"*) ;;
*) fail "a file that is not there, without a mirror: $said" ;;
esac
guest poweroff || true
machine_off
