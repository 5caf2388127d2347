#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 1200
# on request: two short boots, and one of one to three minutes
#
# A store on a file system without fs-verity: with cfs.verity=require, which is the
# default, and =image a message and the emergency shell; =off boots.
. "$(dirname "$0")/../machine.sh"

digest=$(image_digest 1)
FEATURES=^verity make_disk
mirror_start "$ORIGIN"
words=("root=cfs:$digest" "cfs.mirror=$mirror_url" cfs.store=LABEL=cfs)
machine_start "${words[@]}"
await 'the file system has no fs-verity'
await '(initramfs)'
assert_eq "$(guest 'cat /proc/mounts' | grep -c ' /root ')" 0 "mounts on /root"
machine_kill
machine_start "${words[@]}" cfs.verity=image
await 'Image has no fs-verity'
await '(initramfs)'
assert_eq "$(guest 'cat /proc/mounts' | grep -c ' /root ')" 0 "mounts on /root"
machine_kill

machine_start "${words[@]}" cfs.verity=off
await 'root@cfs:~#'
assert_eq "$(guest 'systemctl is-system-running --wait')" running "state"
assert_eq "$(guest 'findmnt -no SOURCE /')" "composefs:$digest" "source of /"
guest 'cfs-store verify --full /run/composefs/store'
guest poweroff || true
machine_off
