#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 1200
# on request: two boots of one to three minutes
#
# The store has what a boot opens and the cable is out: the machine boots.  Once its
# network is up, by whatever means, and the fetcher has been told of a name server, what
# the store lacks is fetched, from a mirror that is known by its name.
OWN_NETWORK=1
. "$(dirname "$0")/../machine.sh"

fetched_some() { [ "$(fetched total.fetched_objects)" -gt 0 ]; }

digest=$(image_digest 1)
start_bg "$WORK/serve.log" cfs-serve --listen 10.0.2.2:8080 "$ORIGIN"
dhcp_start ''
make_disk
words=("root=cfs:$digest" cfs.mirror=http://mirror.test:8080 cfs.store=LABEL=cfs)
machine_start "${words[@]}"
await 'root@cfs:~#'
assert_eq "$(guest 'systemctl is-system-running --wait')" running "state"
# What the next boot will do, its store should have.
guest 'ip address show dev enp0s1' | grep -q 10.0.2.15
guest poweroff || true
machine_off

machine_start "${words[@]}"
wait_for 10 test -S "$WORK/qmp"
link off
await 'no network after 15 s'
await 'root@cfs:~#'
assert_eq "$(guest 'systemctl is-system-running --wait')" running "state without a network"
assert_eq "$(fetched total.fetched_objects)" 0 "objects fetched without a network"
link on
guest 'ip link set enp0s1 up; ip address add 10.0.2.15/24 dev enp0s1; echo nameserver 10.0.2.2 >/run/composefs/etc/resolv.conf'
guest 'git --version' | grep -q '^git version'
wait_for 10 fetched_some
guest poweroff || true
machine_off
