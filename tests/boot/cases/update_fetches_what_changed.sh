#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 2400
# on request: three boots of one to three minutes, and all of the image is fetched
#
# The running version 1, which fetched itself whole, seeds version 2 from its own root
# and the network: over all, each object of version 1 was fetched once, and of version 2
# what neither version 1 nor the machine has.  Both boot without a network then.
. "$(dirname "$0")/../machine.sh"

# objects_of DIGEST: the image's, and itself.
objects_of() {
	{
		composefs-info objects "$ORIGIN/objects/$(object_path "$1")"
		object_path "$1"
	} | sort
}

"$here/origin.sh" 2
first=$(image_digest 1)
second=$(image_digest 2)
seq 200000 >"$WORK/numbers"
numbers=$(object_path "$(composefs-info measure-file "$WORK/numbers")")
comm -13 <(objects_of "$first") <(objects_of "$second") >"$WORK/new"
grep -qx "$numbers" "$WORK/new" || fail "version 2 does not have what the machine will"

make_disk
mirror_start "$ORIGIN"
words=("cfs.mirror=$mirror_url" cfs.store=LABEL=cfs)
machine_start "root=cfs:$first" "${words[@]}" cfs.prefetch=all
await 'root@cfs:~#'
assert_eq "$(guest 'cat /etc/version')" 1 "version"
guest 'systemctl is-system-running --wait' >/dev/null
await_complete
guest 'seq 200000 >/srv/numbers'
guest ". /run/composefs/boot; cfs-seed --store=\$cfs_store_path --mirror=\$cfs_mirrors --from=/ $second"
guest poweroff || true
machine_off
stop_bg "$SERVE_PID"	# whole in the store: no network from here on
sed -n 's#.* path=/objects/\([^ ]*\) .*#\1#p' "$SERVE_ACCESS" | sort >"$WORK/fetched"
{ objects_of "$first"; grep -vx "$numbers" "$WORK/new"; } | sort | diff - "$WORK/fetched" ||
	fail "other objects were fetched than these"

for digest in "$second" "$first"; do
	machine_start "root=cfs:$digest" "${words[@]}"
	await 'root@cfs:~#'
	assert_eq "$(guest 'findmnt -no SOURCE /')" "composefs:$digest" "source of /"
	[ "$digest" = "$first" ] || assert_eq "$(guest 'cat /etc/version')" 2 "version"
	guest poweroff || true
	machine_off
done
