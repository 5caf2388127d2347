#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 1500
# on request: two boots of one to three minutes
#
# The link is cut for 30 seconds in the middle of a boot: it goes on as if nothing had
# been.  Cut after the boot: reboot and poweroff end nevertheless.
. "$(dirname "$0")/../machine.sh"

asked_for() { [ "$(grep -c /objects/ "$SERVE_ACCESS")" -ge "$1" ]; }

digest=$(image_digest 1)
make_disk
mirror_start "$ORIGIN"
machine_start "root=cfs:$digest" "cfs.mirror=$mirror_url" cfs.store=LABEL=cfs
# The running system's files are being fetched, and the login needs far more.
wait_for "$PATIENCE" asked_for 50
! grep -qaF 'root@cfs:~#' "$SERIAL" || fail "the boot was over before the link was cut"
link off
sleep 30
link on
await 'root@cfs:~#'
assert_eq "$(guest 'systemctl is-system-running --wait')" running "state after a cut link"
wait_for "$PATIENCE" guest 'systemctl is-active --quiet composefs-fetch-shutdown'
link off
guest 'systemctl reboot' || true
machine_off

# The same store, the link back, and the other way to end.
machine_start "root=cfs:$digest" "cfs.mirror=$mirror_url" cfs.store=LABEL=cfs
await 'root@cfs:~#'
wait_for "$PATIENCE" guest 'systemctl is-active --quiet composefs-fetch-shutdown'
link off
guest poweroff || true
machine_off
assert_eq "$(grep -ac 'Failed to unmount' "$SERIAL" || true)" 0 "file systems left mounted"
