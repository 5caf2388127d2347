#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A large object, read in parts, for which the disk has no room: its reader gets ENOSPC,
# others go on, nothing of it stays, and gc removes what an earlier fetcher has left.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_prog cfs-fetch cfs-serve mkcomposefs cfs-store composefs-info

mkdir "$WORK/tree"
head -c $((24 << 20)) /dev/urandom >"$WORK/tree/big"
head -c $((60 << 20)) /dev/urandom >"$WORK/tree/huge"
for i in $(seq 20); do
	head -c $((i * 5000)) /dev/urandom >"$WORK/tree/small$i"
done
make_origin
cfs-store trees "$ORIGIN" >/dev/null
start_mirror
place() { echo "$WORK/objects/$(path_of "$1")"; }
whole() { cmp "$WORK/tree/$1" "$(place "$1")"; }
fetch() {
	start_fetch "$store" "$WORK/objects" --mirror "$SERVE_URL" --partial-reads --fill-from=100
}
end_fetch() {
	umount "$WORK/objects"
	stop_bg "$FETCH_PID"
}
smalls() {
	local i

	for i in $(seq "$1" "$2"); do
		whole "small$i" || fail "small objects after it"
	done
}
parts() { du -sk "$store/partial" 2>/dev/null | cut -f1; }

try_disk() {
	store=$WORK/disk/store
	new_store "$store"
	fetch
	assert_errno ENOSPC read "$(place huge)"
	assert_in "larger than the file system" "$FETCH_LOG"
	smalls 1 5
	# 12 MiB are left.
	fallocate -l $(($(stat -f -c '%a * %S' "$WORK/disk") - (12 << 20))) "$WORK/disk/filler"
	if whole big 2>"$WORK/errors"; then fail "24 MiB fit into 12"; fi
	assert_in "No space left on device" "$WORK/errors"
	smalls 6 20
	[ "$(parts)" -le 64 ] || fail "$(parts) KiB of it are still there"
	rm "$WORK/disk/filler"
	whole big || fail "with room it is read"
	end_fetch

	# Left by a fetcher that was killed, on a disk that is full by now.
	rm -rf "$store"
	new_store "$store"
	fetch
	cmp -n $((4 << 20)) "$WORK/tree/big" "$(place big)"
	kill -KILL "$FETCH_PID"
	umount -l "$WORK/objects"
	[ "$(parts)" -ge 4000 ] || fail "nothing was left"
	cfs-store gc "$store" >/dev/null
	[ "$(parts)" -ge 4000 ] || fail "gc removed what can be completed"
	fallocate -l $(($(stat -f -c '%a * %S' "$WORK/disk") - (16 << 10))) "$WORK/disk/filler"
	fetch
	smalls 10 20
	end_fetch
	rm -rf "$WORK/disk/filler"
	rm -rf "$store"
	new_store "$store"
	fetch
	cmp -n $((4 << 20)) "$WORK/tree/big" "$(place big)"
	end_fetch
	fallocate -l $(($(stat -f -c '%a * %S' "$WORK/disk") - (6 << 20))) "$WORK/disk/filler"
	cfs-store gc "$store" >"$WORK/gc"
	assert_in "parts of some" "$WORK/gc"
	[ "$(parts)" -le 64 ] || fail "gc left $(parts) KiB of what can't be completed"
	rm -rf "$WORK/disk/filler" "$store"
}

mkdir "$WORK/disk"
mount -t tmpfs -o size=40m tmpfs "$WORK/disk"
try_disk
umount "$WORK/disk"

truncate -s 48M "$WORK/disk.img"
mkfs.ext4 -q -m 0 -O ^has_journal "$WORK/disk.img"
mount -o loop "$WORK/disk.img" "$WORK/disk"
try_disk
umount "$WORK/disk"
