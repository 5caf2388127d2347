#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 1200
#
# A Debian that the machine does not have boots to its login, every file checked by the
# kernel, the fetcher survives; and boots again from the store with the server gone.
. "$(dirname "$0")/../machine.sh"

digest=$(image_digest 1)
make_disk
mirror_start "$ORIGIN"
machine_start "root=cfs:$digest" "cfs.mirror=$mirror_url" cfs.store=LABEL=cfs
await 'root@cfs:~#'

assert_eq "$(guest 'systemctl is-system-running --wait')" running "state"
assert_eq "$(guest 'findmnt -no SOURCE /')" "composefs:$digest" "source of /"
assert_eq "$(guest 'cat /etc/version')" 1 "a file of the image"
guest 'echo written >/etc/written && cat /etc/written' | grep -qx written
# Cold programs, long after switch_root.
guest 'git --version' | grep -q '^git version'
guest 'pgrep -fx "@fs-fetch .*"' >/dev/null || fail "no fetcher with its mark"

objects=$(fetched total.fetched_objects) bytes=$(fetched total.fetched_bytes)
echo "fetched $objects of $(fetched total.objects) objects, $bytes of $(fetched total.bytes) bytes"
[ "$objects" -gt 100 ] || fail "only $objects objects came over the network"
[ "$((bytes * 4))" -lt "$(fetched total.bytes)" ] || fail "a quarter of the image was fetched to boot"
guest poweroff || true
machine_off
assert_eq "$(grep -ac 'IP-Config: no response' "$SERIAL" || true)" 0 "requests for an address that were lost"
assert_eq "$(grep -ac 'Failed to unmount' "$SERIAL" || true)" 0 "file systems left mounted"

stop_bg "$SERVE_PID"
machine_start "root=cfs:$digest" "cfs.mirror=$mirror_url" cfs.store=LABEL=cfs
await 'root@cfs:~#'
assert_eq "$(guest 'systemctl is-system-running --wait')" running "state without a server"
guest 'git --version' | grep -q '^git version'
assert_eq "$(fetched total.fetched_objects)" 0 "objects fetched by a boot from the store"
guest poweroff || true
machine_off
