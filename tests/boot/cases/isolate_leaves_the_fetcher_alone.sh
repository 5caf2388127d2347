#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 1200
# on request: a boot of one to three minutes
#
# To rescue.target and back to multi-user.target: the fetcher is in no unit that could
# be stopped.
. "$(dirname "$0")/../machine.sh"

digest=$(image_digest 1)
make_disk
mirror_start "$ORIGIN"
machine_start "root=cfs:$digest" "cfs.mirror=$mirror_url" cfs.store=LABEL=cfs
await 'root@cfs:~#'
guest 'systemctl is-system-running --wait' >/dev/null
pid=$(guest 'pgrep -f @fs-fetch')
# The terminal echoes the line: the backslashes tell it from what the kernel logs.
python3 "$here/console.py" type "$WORK/console" \
	"systemd-run -p IgnoreOnIsolate=yes sh -c 'systemctl isolate rescue; sleep 2; systemctl isolate multi-user; echo \\<1\\>isolated-and-ba\\ck >/dev/kmsg'"
await 'You are in rescue mode'
await 'isolated-and-back'
wait_for "$PATIENCE" guest true
assert_eq "$(guest 'pgrep -f @fs-fetch')" "$pid" "fetcher"
guest 'git --version' | grep -q '^git version'
guest poweroff || true
machine_off
