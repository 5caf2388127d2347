#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 900
#
# A tool is stopped in the middle of its work, and meanwhile its disk fills up, begins to
# fail, or becomes read-only.  It says so and fails, or has what it needs and succeeds;
# nothing that was there is lost; on the mended disk the next run does its work.
. "${0%/*}/../../e2e/lib.sh"
. "$CFS_TOP/tests/crash/crash_lib.sh"
need_root
need_fuse
need_prog check_store log_disk mkcomposefs cfs-store cfs-seed
[ -e /dev/loop-control ] || skip "no loop devices"
CFS_FAILPOINT=store.mkdir:EIO mkcomposefs --store="$WORK/none" --name=x "$WORK" 2>/dev/null &&
	skip "built without -DCFS_FAILPOINTS=ON; tests/run address has them"

# Where each tool is stopped; the names are those of every_failpoint.sh.
points='
stage.begin		publish
seal.begin		publish
batch.publish		publish
link.before		publish
sync.before		publish
image.write		publish
name.before_temp	publish
name.before_rename	publish
import.copied		import
seed.pinned		seed_local
body.whole		seed_http
unname.before		unpin
gc.before_remove	collect
'

crash_setup 9
mnt=$WORK/mnt
store=$mnt/store
mkdir "$WORK/mnt" "$WORK/log-disk"
truncate -s 12M "$WORK/clean"
mke2fs -q -t ext4 -b 4096 -m 0 "$WORK/clean"
loop_attach "$WORK/clean"
mount "$LOOP" "$mnt"
make_store "$store" "$TREES/1" whole-old 2>/dev/null
make_store "$store" "$TREES/3" garbage 2>/dev/null
cfs-store unpin "$store" garbage
umount "$mnt"
loop_detach "$LOOP"
cp "$WORK/clean" "$WORK/data"
start_bg "$WORK/log-disk.log" log_disk "$WORK/data" "$WORK/log" "$WORK/log-disk"
wait_for 10 mountpoint -q "$WORK/log-disk"

publish() { exec mkcomposefs --store="$store" --name=whole-new "$TREES/2"; }
import() { exec cfs-store import "$store" "$ORIGIN/images/two" imported; }
seed_local() {
	exec cfs-seed --store="$store" --from="$TREES/2" --name=seeded "$ORIGIN/images/two"
}
seed_http() { exec cfs-seed --store="$store" --mirror="$SERVE_URL" --name=seeded two; }
unpin() { exec cfs-store unpin "$store" whole-old; }
collect() { exec cfs-store gc "$store"; }

complete() {
	case $command in
	publish) check_store "$store" whole-old whole-new ;;
	import) check_store "$store" whole-old imported ;;
	seed_*) cfs-store pin "$store" whole-new seeded && check_store "$store" whole-new ;;
	unpin) [ ! -e "$store/images/whole-old" ] ;;
	collect) cfs-store gc "$store" | grep "removed nothing" ;;
	esac >"$WORK/complete" 2>&1
}

fault_full() {
	dd if=/dev/zero of="$mnt/filler" bs=64k 2>/dev/null || true
	dd if=/dev/zero of="$mnt/filler2" bs=4k 2>/dev/null || true
}
fault_failing() { echo fail >"$WORK/log-disk/mark"; }
fault_read_only() { echo 1 >"/sys/fs/ext4/${LOOP##*/}/trigger_fs_error"; }
declare -A said=(
	[full]="No space left on device"
	[failing]="Input/output error|Read-only file system|Structure needs cleaning"
	[read_only]="Read-only file system|Input/output error"
)

stopped() {
	local state

	state=$(ps -o state= -p "$1") || return 0
	[ "$state" = T ]
}

# try NAME FAULT
try() {
	local what="$2 at $1 in $command" status=0 pid file

	if [ "$2" = failing ]; then
		dd if="$WORK/clean" of="$WORK/data" bs=1M conv=notrunc status=none
		file=$WORK/log-disk/disk
	else
		file=$WORK/data2
		cp "$WORK/clean" "$file"
	fi
	loop_attach "$file"
	mount -o errors=remount-ro "$LOOP" "$mnt"
	(CFS_FAILPOINT=$1:stop; export CFS_FAILPOINT; "$command") >"$WORK/out.log" 2>"$WORK/err" &
	pid=$!
	wait_for 20 stopped "$pid"
	kill -0 "$pid" 2>/dev/null || { cat "$WORK/err"; fail "$what: not reached"; }
	"fault_$2"
	kill -CONT "$pid"
	wait "$pid" || status=$?
	[ "$status" -lt 100 ] || { cat "$WORK/err"; fail "$what: status $status"; }
	if [ "$status" -ne 0 ]; then
		failures=$((failures + 1))
		grep -qE "${said[$2]}" "$WORK/err" "$WORK/out.log" ||
			{ cat "$WORK/out.log" "$WORK/err"; fail "$what: no clear error"; }
	fi

	# The disk is mended.
	[ "$2" != failing ] || echo work >"$WORK/log-disk/mark"
	umount "$mnt"
	[ "$2" = full ] || e2fsck -fy "$LOOP" >"$WORK/fsck" 2>&1 || [ $? -le 1 ] ||
		{ cat "$WORK/fsck"; fail "$what: the file system is beyond repair"; }
	mount "$LOOP" "$mnt"
	check_store "$store" >"$WORK/rules" 2>&1 || { cat "$WORK/rules" "$WORK/err"; fail "after $what"; }
	[ "$command" = unpin ] || check_store "$store" whole-old >"$WORK/rules" 2>&1 ||
		{ cat "$WORK/rules"; fail "$what: an image was lost"; }
	[ "$status" -ne 0 ] || complete || { cat "$WORK/complete"; fail "$what: success was told, and it is not done"; }
	rm -f "$mnt"/filler*
	("$command") >"$WORK/out.log" 2>"$WORK/err" || grep -q "no such name" "$WORK/err" ||
		{ cat "$WORK/err"; fail "the run after $what"; }
	complete || { cat "$WORK/complete"; fail "the run after $what did not do its work"; }
	umount "$mnt"
	loop_detach "$LOOP"
	tried=$((tried + 1))
}

tried=0
failures=0
while read -r name command; do
	[ -n "$name" ] || continue
	for fault in full failing read_only; do
		try "$name" "$fault" </dev/null
	done
done <<<"$points"
echo "$tried faults, of which $failures made the tool fail"
[ "$failures" -gt $((tried / 2)) ] || fail "the faults were not noticed"
