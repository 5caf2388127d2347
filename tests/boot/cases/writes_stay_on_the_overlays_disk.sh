#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 1200
# on request: two boots of one to three minutes
#
# cfs.overlay=LABEL=: what was written, changed and removed is so after a reboot, and
# above a newer image, too.
. "$(dirname "$0")/../machine.sh"

"$here/origin.sh" 2
make_disk
truncate -s 256M "$WORK/writes.img"
mke2fs -q -t ext4 -L writes "$WORK/writes.img"
mirror_start "$ORIGIN"
words=("cfs.mirror=$mirror_url" cfs.store=LABEL=cfs cfs.overlay=LABEL=writes)
machine_start "root=cfs:$(image_digest 1)" "${words[@]}"
await 'root@cfs:~#'
assert_eq "$(guest 'systemctl is-system-running --wait')" running "state"
guest 'echo kept >/srv/written && echo changed >>/etc/version && rm /etc/debian_version'
id=$(guest 'cat /etc/machine-id')
guest 'systemctl reboot' || true
machine_off
assert_eq "$(grep -ac 'Failed to unmount' "$SERIAL" || true)" 0 "file systems left mounted"

machine_start "root=cfs:$(image_digest 2)" "${words[@]}"
await 'root@cfs:~#'
assert_eq "$(guest 'systemctl is-system-running --wait')" running "state after the reboot"
assert_eq "$(guest 'cat /srv/written')" kept "a new file"
assert_eq "$(guest 'cat /etc/version')" "$(printf '1\nchanged')" "a changed file"
assert_eq "$(guest 'cat /etc/machine-id')" "$id" "machine-id"
guest 'test -e /usr/lib/new-in-2' || fail "the newer image is not below"
guest '! test -e /etc/debian_version' || fail "a removed file is back"
guest poweroff || true
machine_off
