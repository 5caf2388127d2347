#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 600
#
# A digest that no mirror has, with a good image in reach: a message, and the emergency
# shell.  The same for a mirror that has other bytes under the name.
. "$(dirname "$0")/../machine.sh"

digest=$(image_digest 1)
wrong=${digest:0:62}00
[ "$wrong" != "$digest" ] || wrong=${digest:0:62}01
make_disk
mirror_start "$ORIGIN"
machine_start "root=cfs:$wrong" "cfs.mirror=$mirror_url" cfs.store=LABEL=cfs
await "no mirror has the image $wrong"
await '(initramfs)'
assert_eq "$(guest 'cat /proc/mounts' | grep -c ' /root ')" 0 "mounts on /root"

# Once there is something under that name, it is still not that image.
mkdir -p "$WORK/false/objects/${wrong:0:2}" "$WORK/false/images"
cp "$ORIGIN/images/debian-1" "$WORK/false/objects/$(object_path "$wrong")"
stop_bg "$SERVE_PID"
start_bg "$WORK/false.log" cfs-serve --listen "127.0.0.1:$SERVE_PORT" "$WORK/false"
wait_port "$SERVE_PORT"
python3 "$here/console.py" type "$WORK/console" exit
await 'something else under the name'
assert_eq "$(grep -ac 'systemd.1.: systemd' "$SERIAL" || true)" 0 "systems booted"
machine_kill
