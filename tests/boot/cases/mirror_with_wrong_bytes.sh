#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 1200
# on request: a boot of one to three minutes
#
# The first mirror has wrong bytes in one object of a hundred, the second is good: the
# machine boots, and no wrong byte gets into the store.
. "$(dirname "$0")/../machine.sh"

digest=$(image_digest 1)
make_disk
mirror_start "$ORIGIN"
cp -a --reflink=auto "$ORIGIN" "$WORK/bad"
find "$WORK/bad/objects" -type f -size +0 | sort | awk 'NR % 100 == 0' |
	grep -v "$(object_path "$digest")" >"$WORK/damaged"
while read -r object; do
	chmod u+w "$object"
	printf 'X' | dd of="$object" bs=1 seek=$(($(stat -c %s "$object") / 2)) conv=notrunc status=none
	chmod 0444 "$object"
done <"$WORK/damaged"
bad_port=$(free_port)
start_bg "$WORK/bad.log" cfs-serve --listen "127.0.0.1:$bad_port" --access-log="$WORK/bad.access" "$WORK/bad"
wait_port "$bad_port"
machine_start "root=cfs:$digest" "cfs.mirror=http://10.0.2.2:$bad_port" "cfs.mirror=$mirror_url" cfs.store=LABEL=cfs
await 'root@cfs:~#'
assert_eq "$(guest 'systemctl is-system-running --wait')" running "state"
# So that some damaged ones are met for certain.
guest 'cat /usr/lib/python3/dist-packages/*/* /usr/share/perl/*/*.pm /usr/lib/git-core/* >/dev/null 2>&1; true'
guest 'cfs-store verify --full /run/composefs/store'
asked=$(sed 's#.*/objects#/objects#' "$WORK/damaged" | grep -cFf - "$WORK/bad.access" || true)
echo "the bad mirror was asked for $asked damaged objects"
[ "$asked" -gt 0 ] || fail "no damaged object was met"
guest poweroff || true
machine_off
