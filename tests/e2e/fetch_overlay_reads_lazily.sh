#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# EROFS and overlayfs on an empty store and retry/: every file has its bytes, what is
# not read is not fetched, and a miss costs at most two LOOKUPs.  Without the mirror
# what was fetched stays readable, and the rest fails with EHOSTUNREACH in time.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_fs erofs
need_fs overlay
need_prog cfs-fetch cfs-serve mkcomposefs cfs-store

make_origin
new_store "$WORK/store"
start_mirror
start_fetch "$WORK/store" "$WORK/objects" --mirror "$SERVE_URL" --deadline 1
mount_lazily "$WORK/store"

before=$(count_objects "$WORK/store")
find "$WORK/mnt" -printf '%p %s\n' >/dev/null
assert_eq "$(count_objects "$WORK/store")" "$before" "objects after a walk"

cmp "$WORK/tree/large" "$WORK/mnt/large"
assert_eq "$(count_objects "$WORK/store")" $((before + 1)) "objects after one file"

# Something else that has to be fetched, for later.
head -c 10000 /dev/urandom >"$WORK/never"
stop_bg "$SERVE_PID"
cmp "$WORK/tree/large" "$WORK/mnt/large"
start_ms=$(now_ms)
assert_errno EHOSTUNREACH read "$WORK/mnt/size-4097"
[ $(($(now_ms) - start_ms)) -lt 4000 ] || fail "the error took more than 4 s"

start_mirror
umount "$WORK/mnt" "$WORK/mnt.erofs"
stop_bg "$FETCH_PID"
start_fetch "$WORK/store" "$WORK/objects" --mirror "$SERVE_URL"
mount_lazily "$WORK/store"
check compare-trees --hash --ignore-xattr trusted.overlay. "$WORK/tree" "$WORK/mnt"
misses=$(counter requests misses)
lookups=$(counter requests lookups)
[ "$misses" -gt 3 ] || fail "only $misses misses"
[ "$lookups" -le $((2 * misses)) ] || fail "$lookups lookups for $misses misses"
assert_eq "$(counter requests opens)" 0 "opens through FUSE"
assert_gets "$misses"
assert_eq "$(counter total fetched_objects)" "$misses" "objects counted as fetched"
