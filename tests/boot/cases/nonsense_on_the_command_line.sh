#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 600
# on request: three short boots
#
# What makes no sense leads to a message that names it, and to the emergency shell.
. "$(dirname "$0")/../machine.sh"

digest=$(image_digest 1)
refused() {
	local says=$1

	shift
	machine_start "$@"
	await "$says"
	await '(initramfs)'
	machine_kill
}
refused 'cfs.store= is missing' "root=cfs:$digest"
refused 'cfs.verty is not known' "root=cfs:$digest" cfs.store=zram:50% cfs.verty=off
refused 'there is no mirror' "root=cfs:$digest" cfs.store=zram:10%
