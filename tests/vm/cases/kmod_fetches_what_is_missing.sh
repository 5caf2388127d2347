#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# limit: 200
# With cfs-fetch as second basedir: one open() downloads, seals and verifies; a dead
# fetcher and a silent server fail in bounded time, and remount brings a new one.
. "$(dirname "$0")/../module.sh"
# shellcheck source=tests/e2e/lazy.sh
. "$E2E/lazy.sh"

make_origin
new_store "$WORK/store"
start_mirror
start_fetch "$WORK/store" "$WORK/objects" --mirror "$SERVE_URL"
mkdir mnt
mount -t composefs -o "basedir=$WORK/store/objects:$WORK/objects,digest=$IMAGE_DIGEST" \
	"$WORK/store/images/tree" mnt
events=/sys/kernel/tracing/events/composefs
echo 1 >$events/enable
echo >/sys/kernel/tracing/trace

assert_eq "$(count_objects "$WORK/store")" 1 "objects before anything was opened"
cmp "$WORK/tree/large" mnt/large
assert_eq "$(count_objects "$WORK/store")" 2 "objects after one open"
assert_eq "$(fsverity measure "$WORK/store/objects/$(path_of large)" | cut -d ' ' -f 1)" \
	"sha256:$(composefs-info measure-file "$WORK/tree/large")"
assert_eq "$(mount_counter "$WORK/mnt" misses) $(mount_counter "$WORK/mnt" fetched)" "1 1"
cmp "$WORK/tree/large" mnt/large
assert_eq "$(mount_counter "$WORK/mnt" misses) $(mount_counter "$WORK/mnt" hits)" "1 1"
for event in open_miss fetch_wait verity open_hit; do
	grep -q "composefs_$event: " /sys/kernel/tracing/trace ||
		fail "no composefs_$event: $(cat /sys/kernel/tracing/trace)"
done
echo 0 >$events/enable

# A wrong object is healed by the same open.
object=$WORK/store/objects/$(path_of large)
rm -f "$object"
head -c "$(stat -c %s tree/large)" /dev/zero >"$object"
cmp "$WORK/tree/large" mnt/large

# The mount holds on to a fetcher whose FUSE mount is detached.
umount -l "$WORK/objects"
cmp "$WORK/tree/size-4097" mnt/size-4097

# Killed: what is there is read, what is not is EIO at once, metadata is all there.
stop_bg "$FETCH_PID" KILL
cmp "$WORK/tree/large" mnt/large
start=$SECONDS
assert_eio cat mnt/size-4096
[ $((SECONDS - start)) -le 5 ] || fail "EIO took $((SECONDS - start)) s"
find mnt -ls >/dev/null

# A new fetcher by remount, with a file open.
start_fetch "$WORK/store" "$WORK/objects" --mirror "$SERVE_URL"
exec 3<mnt/large
mount -o "remount,basedir=$WORK/store/objects:$WORK/objects" mnt
cmp "$WORK/tree/size-4096" mnt/size-4096
cmp "$WORK/tree/large" - <&3
exec 3<&-
check compare-trees --hash tree mnt
umount mnt "$WORK/objects"

# A server that says nothing: the reader dies at once when it is killed.
new_store "$WORK/store2"
silent_mirror
start_fetch "$WORK/store2" "$WORK/objects" --mirror "$SILENT_URL" --deadline=30
mount -t composefs -o "basedir=$WORK/store2/objects:$WORK/objects,verity_check=2" \
	"$WORK/store2/images/tree" mnt
best=100000
for _ in 1 2 3 4 5; do
	cat mnt/large >/dev/null &
	reader=$!
	wait_for 10 grep -q S "/proc/$reader/stat"
	sleep 0.3
	kill -0 "$reader" || fail "the reader did not wait"
	start=$EPOCHREALTIME
	kill -KILL "$reader"
	wait "$reader" || true
	ms=$(((${EPOCHREALTIME/./} - ${start/./}) / 1000))
	echo "the killed reader was gone after $ms ms"
	[ "$ms" -le 1000 ] || fail "the killed reader lived $ms ms"
	[ "$ms" -ge "$best" ] || best=$ms
done
# A busy machine may delay one of them, not each.
[ "$best" -le 100 ] || fail "the killed readers lived $best ms and more"
umount mnt "$WORK/objects"

# Without an object directory and without a check, the fetcher's own files are read.
start_fetch "$WORK/store" "$WORK/objects" --mirror "$SERVE_URL"
mount -t composefs -o "basedir=$WORK/objects" "$WORK/store/images/tree" mnt
cmp "$WORK/tree/large" mnt/large
umount mnt
mount -t composefs -o "basedir=$WORK/objects,verity_check=2" "$WORK/store/images/tree" mnt
assert_eio cat mnt/large
umount mnt "$WORK/objects"
