#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 1200
# on request: another initramfs is made, and a boot of one to three minutes
#
# dracut's initramfs, with systemd in it: the same, and the fetcher outlives that systemd.
. "$(dirname "$0")/../machine.sh"

"$here/initramfs.sh" dracut
digest=$(image_digest 1)
make_disk
mirror_start "$ORIGIN"
INITRAMFS=dracut machine_start "root=cfs:$digest" "cfs.mirror=$mirror_url" cfs.store=LABEL=cfs ip=dhcp
await 'root@cfs:~#'
assert_eq "$(guest 'systemctl is-system-running --wait')" running "state"
assert_eq "$(guest 'findmnt -no SOURCE /')" "composefs:$digest" "source of /"
guest 'pgrep -fx "@fs-fetch .*"' >/dev/null || fail "no fetcher with its mark"
guest 'git --version' | grep -q '^git version'
guest poweroff || true
machine_off
