#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 600
#
# A disk (or, by hand with tests/vm/boot.sh, a quota) with room for a little less than each tool needs, at
# many sizes: the tool says so and loses nothing, and with more room the same command
# succeeds.
. "${0%/*}/lib.sh"
. "$CFS_TOP/tests/crash/crash_lib.sh"
need_root
need_prog check_store mkcomposefs cfs-store cfs-seed
[ -e /dev/loop-control ] || skip "no loop devices"

crash_setup 5
mnt=$WORK/mnt
store=$mnt/store
mkdir "$mnt"

# set_quota BYTES: for root's files; 0 lifts it.
set_quota() {
	python3 - "$LOOP" "$(($1 / 1024))" <<'PY'
import ctypes, os, struct, sys
Q_SETQUOTA, QIF_BLIMITS = 0x800008, 1
libc = ctypes.CDLL(None, use_errno=True)
limits = ctypes.create_string_buffer(
    struct.pack("=8QI4x", int(sys.argv[2]), 0, 0, 0, 0, 0, 0, 0, QIF_BLIMITS))
if libc.quotactl(Q_SETQUOTA << 8, sys.argv[1].encode(), 0, limits):
    sys.exit(os.strerror(ctypes.get_errno()))
PY
}

# leave_room BYTES, give_room: of the kind of limit under test.
leave_room() {
	local free

	sync -f "$mnt"
	if [ "$kind" = quota ]; then
		set_quota $(($(du -s --block-size=1 "$mnt" | cut -f 1) + $1))
	else
		free=$(stat -f -c '%a * %S' "$mnt")
		[ $((free)) -le "$1" ] || head -c $((free - $1)) /dev/zero >"$mnt/filler" 2>/dev/null || true
	fi
}
give_room() { if [ "$kind" = quota ]; then set_quota 0; else rm -f "$mnt/filler"; fi; }

# Root is above quotas as long as it may be.
run() {
	setpriv --inh-caps=-sys_resource --bounding-set=-sys_resource "$@"
}

publish() { run "$(command -v mkcomposefs)" --store="$store" --name=whole-new "$TREES/2"; }
import() { run "$(command -v cfs-store)" import "$store" "$ORIGIN/images/two" imported; }
seed_local() {
	run "$(command -v cfs-seed)" --store="$store" --from="$TREES/2" --name=seeded "$ORIGIN/images/two"
}
seed_http() {
	run "$(command -v cfs-seed)" --store="$store" --mirror="$SERVE_URL" --name=seeded two
}

# try KIND COMMAND BYTES
try() {
	local what="$2 with $3 bytes of $1" status=0

	rm -rf "$store"
	cp -a "$WORK/before" "$store"
	leave_room "$3"
	"$2" >"$WORK/out" 2>"$WORK/err" || status=$?
	if [ "$status" -ne 0 ]; then
		failures=$((failures + 1))
		[ "$status" -lt 100 ] || fail "$what: status $status"
		grep -qE "No space left on device|Disk quota exceeded" "$WORK/err" ||
			{ cat "$WORK/err"; fail "$what: no clear error"; }
	fi
	check_store "$store" whole-old >"$WORK/rules" 2>&1 || { cat "$WORK/rules"; fail "after $what"; }
	give_room
	"$2" >"$WORK/out" 2>"$WORK/err" || { cat "$WORK/err"; fail "the run after $what"; }
	check_store "$store" whole-old >"$WORK/rules" 2>&1 || { cat "$WORK/rules"; fail "the run after $what"; }
	tried=$((tried + 1))
}

make_store "$WORK/before" "$TREES/1" whole-old 2>/dev/null
# This machine's kernel may know no quotas; the guest's does, and is slow.
if [ -n "${CFS_GUEST:-}" ]; then
	kind=quota
	rooms="0 16384 90000"
else
	kind=space
	rooms="0 4096 16384 40960 90000 160000 300000"
fi
features=^quota
if [ "$kind" = quota ]; then
	features=quota
	modprobe -d "$CFS_KERNEL_MODULES" quota_v2
fi
rm -f "$WORK/disk"
truncate -s 16M "$WORK/disk"
mke2fs -q -t ext4 -b 4096 -m 0 -O "$features" "$WORK/disk"
loop_attach "$WORK/disk"
options=errors=remount-ro
[ "$kind" = space ] || options=usrquota
mount -o "$options" "$LOOP" "$mnt"
tried=0
failures=0
for command in publish import seed_local seed_http; do
	for room in $rooms; do
		try "$kind" "$command" "$room"
	done
done
umount "$mnt"
loop_detach "$LOOP"
echo "$kind: $tried runs, $failures had too little room"
[ "$failures" -ge 4 ] || fail "the limit was not felt"
