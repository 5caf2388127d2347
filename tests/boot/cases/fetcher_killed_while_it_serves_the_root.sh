#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 1200
# on request: two boots of one to three minutes
#
# kill -9 of the root's fetcher: what the store has works on, what it lacks is an I/O
# error and never "no such file", and the next boot is whole.
. "$(dirname "$0")/../machine.sh"

digest=$(image_digest 1)
make_disk
mirror_start "$ORIGIN"
machine_start "root=cfs:$digest" "cfs.mirror=$mirror_url" cfs.store=LABEL=cfs
await 'root@cfs:~#'
guest 'systemctl is-system-running --wait' >/dev/null
# The tools of this case have to be there already.
guest 'ls / >/dev/null; sleep 0; cat /dev/null; sync; pkill -9 -f @fs-fetch; sleep 1; ls -d /usr'
said=$(guest 'cat /usr/share/perl5/Git.pm >/dev/null' 2>&1 || true)
case $said in
*"Input/output error"*) ;;
*) fail "a file that is not there yet, without a fetcher: $said" ;;
esac
guest 'sync'
machine_kill
machine_start "root=cfs:$digest" "cfs.mirror=$mirror_url" cfs.store=LABEL=cfs
await 'root@cfs:~#'
assert_eq "$(guest 'systemctl is-system-running --wait')" running "state after the power was cut"
guest 'grep -c . /usr/share/perl5/Git.pm'
guest poweroff || true
machine_off
