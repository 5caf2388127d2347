#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 1200
# on request: a short boot, and two of one to three minutes
#
# Without a mirror on the command line the machine takes the URL that DHCP has as
# root-path, with a name that DHCP's name server knows: in the initramfs and when it
# runs.  One that would add a mount option is refused.  Without DHCP the console says
# that there is no mirror, and the machine boots from what its store has; the rest is an
# I/O error.
OWN_NETWORK=1
. "$(dirname "$0")/../machine.sh"

digest=$(image_digest 1)
start_bg "$WORK/serve.log" cfs-serve --listen 10.0.2.2:8080 "$ORIGIN"
make_disk
dhcp_start 'http://10.0.2.2:8080/,upperdir=/'
machine_start "root=cfs:$digest" cfs.store=LABEL=cfs
await "DHCP's root-path is no mirror"
await '(initramfs)'
machine_kill

dhcp_start http://mirror.test:8080
machine_start "root=cfs:$digest" cfs.store=LABEL=cfs
await 'root@cfs:~#'
assert_eq "$(guest 'systemctl is-system-running --wait')" running "state"
assert_eq "$(fetched 'mirrors[0].url')" '"http://mirror.test:8080"' "mirror"
still_fetches
guest poweroff || true
machine_off
stop_bg "$DHCP_PID"

machine_start "root=cfs:$digest" cfs.store=LABEL=cfs
await 'no network after 15 s'
await "there is no mirror: what the store lacks can't be read"
await 'root@cfs:~#'
assert_eq "$(guest 'systemctl is-system-running --wait')" running "state without a mirror"
said=$(guest 'cat /usr/share/perl5/Git.pm >/dev/null' || true)
case $said in
*"Input/output error"*) ;;
*) fail "a file that is not there, without a mirror: $said" ;;
esac
guest poweroff || true
machine_off
