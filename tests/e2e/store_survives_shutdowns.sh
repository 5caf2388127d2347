#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# also: vm
# limit: 600
#
# ext4 is shut down, as by a power cut that loses its journal's last moments, while the
# tools work on a store in it; after the next mount the store is sound and the tools go on.
#
#	VM_CRASH_ROUNDS	default 5; in the guest 2
. "${0%/*}/lib.sh"
. "$CFS_TOP/tests/crash/crash_lib.sh"
need_root
need_prog check_store mkcomposefs cfs-store cfs-seed
[ -e /dev/loop-control ] || skip "no loop devices"

crash_setup 3
mnt=$WORK/mnt
store=$mnt/store
mkdir "$mnt"
features=^verity
[ -z "${CFS_GUEST:-}" ] || features=verity
truncate -s 32M "$WORK/disk"
mke2fs -q -t ext4 -b 4096 -O "$features" "$WORK/disk"
loop_attach "$WORK/disk"

shut_down() {
	python3 - "$mnt" <<'PY'
import fcntl, os, struct, sys
EXT4_IOC_SHUTDOWN, NOLOGFLUSH = 0x8004587D, 2
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), EXT4_IOC_SHUTDOWN, struct.pack("I", NOLOGFLUSH))
PY
}

# Sessions until one fails, which the shutdown sees to.
sessions() {
	set +e
	while mountpoint -q "$mnt" && (set -e; session "$store"); do
		echo session
	done
}

rounds=${VM_CRASH_ROUNDS:-${CFS_GUEST:+2}}
for round in $(seq "${rounds:-5}"); do
	mount "$LOOP" "$mnt"
	sessions >"$WORK/sessions" 2>&1 &
	pid=$!
	sleep "$((RANDOM % 2)).$((RANDOM % 1000))"
	shut_down
	wait "$pid" || true
	umount "$mnt"
	mount "$LOOP" "$mnt"
	if [ -d "$store" ]; then
		check_store "$store" >"$WORK/rules" 2>&1 ||
			{ cat "$WORK/rules"; fail "round $round"; }
		tail -n 1 "$WORK/rules"
	fi
	session "$store"
	check_store "$store" whole-a >"$WORK/rules" 2>&1 || { cat "$WORK/rules"; fail "the session after round $round"; }
	umount "$mnt"
done
