#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 1200
# on request: a boot of one to three minutes
#
# No disk at all: the store is an ext4 with fs-verity on zram.  The server is down when
# the machine is switched on and comes a minute later: the console says what is awaited.
. "$(dirname "$0")/../machine.sh"

digest=$(image_digest 1)
port=$(free_port)
MEMORY=1536M machine_start "root=cfs:$digest" "cfs.mirror=http://10.0.2.2:$port" cfs.store=zram:60%
await "waiting for a mirror of image $digest: http://10.0.2.2:$port"
sleep 60
start_bg "$WORK/serve.log" cfs-serve --listen "127.0.0.1:$port" "$ORIGIN"
await 'root@cfs:~#'
assert_eq "$(guest 'systemctl is-system-running --wait')" running "state"
assert_eq "$(guest 'findmnt -no SOURCE /run/composefs/store')" /dev/zram0 "store"
guest 'cfs-fetch status --booted'
guest 'grep VmRSS /proc/$(pgrep -f @fs-fetch)/status; cat /sys/block/zram0/mm_stat'
guest 'find /run/composefs/store/objects -type f | head -n 1 | xargs lsattr' | grep -q V ||
	echo "lsattr shows no fs-verity flag"
guest poweroff || true
machine_off
