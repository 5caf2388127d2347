#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 1200
# on request: another initramfs is made, a short boot and one of one to three minutes
#
# As mirror_comes_from_dhcp, with dracut's initramfs: the lease is systemd-networkd's.
OWN_NETWORK=1
. "$(dirname "$0")/../machine.sh"

"$here/initramfs.sh" dracut
export INITRAMFS=dracut
digest=$(image_digest 1)
start_bg "$WORK/serve.log" cfs-serve --listen 10.0.2.2:8080 "$ORIGIN"
make_disk
words=("root=cfs:$digest" cfs.store=LABEL=cfs ip=dhcp)
dhcp_start 'http://10.0.2.2:8080/,upperdir=/'
machine_start "${words[@]}"
await "DHCP's root-path is no mirror"
await 'no root file system'
machine_kill

dhcp_start http://mirror.test:8080
machine_start "${words[@]}"
await 'root@cfs:~#'
assert_eq "$(guest 'systemctl is-system-running --wait')" running "state"
assert_eq "$(fetched 'mirrors[0].url')" '"http://mirror.test:8080"' "mirror"
still_fetches
guest poweroff || true
machine_off
