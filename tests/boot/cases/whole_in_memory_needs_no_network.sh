#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 1800
# on request: a boot of one to three minutes, and all of the image is fetched
#
# composefs=DIGEST as ostree and bootc write it, the store on a ramdisk, and
# cfs.prefetch=all: the status tells when the root is whole, and from then on a program
# that nobody has run yet runs without network.
. "$(dirname "$0")/../machine.sh"

digest=$(image_digest 1)
mirror_start "$ORIGIN"
MEMORY=2560M machine_start "composefs=$digest" "cfs.mirror=$mirror_url" cfs.store=ramdisk:1G cfs.prefetch=all
await 'root@cfs:~#'
assert_eq "$(guest 'systemctl is-system-running --wait')" running "state"
assert_eq "$(guest 'findmnt -no SOURCE /')" "composefs:$digest" "source of /"
assert_eq "$(guest 'findmnt -no SOURCE /run/composefs/store')" /dev/ram0 "store"
await_complete
link off
stop_bg "$SERVE_PID"
assert_eq "$(fetched total.present_objects)" "$(fetched total.objects)" "objects in the store"
misses=$(fetched requests.misses)
guest 'git --version' | grep -q '^git version'
guest 'perl -MCPAN -e "print CPAN->VERSION"' | grep -q '^[0-9.]*$'
assert_eq "$(fetched requests.misses)" "$misses" "misses of a whole root"
guest poweroff || true
machine_off
