#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 1200
# on request: a boot of two to five minutes
#
# cfs.retry=soft: with no mirror in reach the initramfs gives up with a message, and when
# its shell is left with a mirror in reach the machine boots.  When the mirror is gone a
# file that was not fetched is an error after a minute; what was is not.
. "$(dirname "$0")/../machine.sh"

a_minute() {
	if [ "$1" -lt 50 ] || [ "$1" -gt 120 ]; then
		fail "$2 after $1 s"
	fi
}

digest=$(image_digest 1)
make_disk
port=$(free_port)
machine_start "root=cfs:$digest" "cfs.mirror=http://10.0.2.2:$port" cfs.store=LABEL=cfs cfs.retry=soft
await 'waiting for a mirror of image'
start=$SECONDS
await 'no mirror answered, and cfs.retry=soft'
a_minute "$((SECONDS - start))" "the initramfs gave up"
await '(initramfs)'
start_bg "$WORK/serve.log" cfs-serve --listen "127.0.0.1:$port" "$ORIGIN"
wait_port "$port"
python3 "$here/console.py" type "$WORK/console" exit
await 'root@cfs:~#'
assert_eq "$(guest 'systemctl is-system-running --wait')" running "state"
guest 'systemctl is-active --quiet composefs-fetch-shutdown'
link off
said=$(guest 'start=$SECONDS; cat /usr/share/perl5/Git.pm >/dev/null; echo after $((SECONDS - start)) s' || true)
echo "$said"
case $said in
*"Connection timed out"* | *"No route to host"*) ;;
*) fail "a cold file without a mirror: $said" ;;
esac
seconds=${said##*after } seconds=${seconds% s*}
a_minute "$seconds" "an error"
guest 'cat /etc/version'
guest poweroff || true
machine_off
