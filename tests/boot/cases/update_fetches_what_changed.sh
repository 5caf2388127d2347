#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 1800
# on request: three boots of one to three minutes
#
# The running version 1 seeds version 2 from its own root and the network; what is
# fetched is what changed.  Version 2 boots, and so does version 1 again.
. "$(dirname "$0")/../machine.sh"

"$here/origin.sh" 2
first=$(image_digest 1)
second=$(image_digest 2)
make_disk
mirror_start "$ORIGIN"
words=("cfs.mirror=$mirror_url" cfs.store=LABEL=cfs)
machine_start "root=cfs:$first" "${words[@]}"
await 'root@cfs:~#'
assert_eq "$(guest 'cat /etc/version')" 1 "version"
guest 'systemctl is-system-running --wait' >/dev/null
: >"$SERVE_ACCESS"
guest ". /run/composefs/boot; cfs-seed --store=\$cfs_store_path --mirror=\$cfs_mirrors --from=/ $second"
guest poweroff || true
machine_off
stop_bg "$SERVE_PID"	# whole in the store: no network from here on
for digest in "$second" "$first"; do
	machine_start "root=cfs:$digest" "${words[@]}"
	await 'root@cfs:~#'
	assert_eq "$(guest 'findmnt -no SOURCE /')" "composefs:$digest" "source of /"
	[ "$digest" = "$first" ] || assert_eq "$(guest 'cat /etc/version')" 2 "version"
	guest poweroff || true
	machine_off
done
