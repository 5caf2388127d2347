#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A file system that has space but no inodes left: what no image needs goes, some of it at
# a time, quarantine first; with nothing that may go the open is ENOSPC, and what is here is read.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_prog cfs-fetch cfs-serve mkcomposefs cfs-store composefs-info

mkdir "$WORK/tree" "$WORK/disk"
for i in $(seq 150); do
	head -c $((200 + i)) /dev/urandom >"$WORK/tree/$i"
done
make_origin
start_mirror
place() { echo "$WORK/objects/$(path_of "$1")"; }
whole() { cmp "$WORK/tree/$1" "$(place "$1")"; }
# Folders of objects are not removed: let all of them be there.
mount -t tmpfs -o size=20m,nr_inodes=340 tmpfs "$WORK/disk"
store=$WORK/disk/store
new_store "$store"
for i in $(seq 0 255); do
	mkdir -p "$store/objects/$(printf %02x "$i")"
done

# Needed by the image: nothing may go.
start_fetch "$store" "$WORK/objects" --mirror "$SERVE_URL"
n=0
for i in $(seq 150); do
	whole "$i" 2>"$WORK/errors" || break
	n=$i
done
if [ "$n" -lt 40 ] || [ "$n" -ge 150 ]; then fail "$n objects for 80 inodes"; fi
assert_in "No space left on device" "$WORK/errors"
for i in $(seq "$n"); do
	whole "$i" || fail "what is here is read"
done
umount "$WORK/objects"
stop_bg "$FETCH_PID"

# Not needed: all come, and the newest stay.
cfs-store unpin "$store" tree
mkdir -p "$store/quarantine"
mv "$store/objects/$(path_of 1)" "$store/quarantine/$(path_of 1 | tr -d /)"
start_fetch "$store" "$WORK/objects" --mirror "$SERVE_URL" --any
for i in $(seq 150); do
	whole "$i" || fail "no inode was freed for $i"
done
[ ! -e "$store/quarantine/$(path_of 1 | tr -d /)" ] || fail "quarantine stays while objects go"
[ -e "$store/objects/$(path_of 150)" ] || fail "the newest is gone"
[ "$(count_objects "$store")" -ge 20 ] || fail "more was removed than had to be"
umount "$WORK/objects"
stop_bg "$FETCH_PID"
