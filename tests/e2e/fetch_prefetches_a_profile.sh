#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A start is recorded in the store, in order of first use.  With that profile beside the
# image on a mirror another store is filled before anybody asks, each object once, and
# the status tells what the profile missed.  --no-prefetch fetches nothing.
# also: address
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_fs erofs
need_fs overlay
need_prog cfs-fetch cfs-serve mkcomposefs cfs-store

make_origin
start_mirror
new_store "$WORK/store"
start_fetch "$WORK/store" "$WORK/objects" --mirror "$SERVE_URL" --record "$WORK/record"
mount_lazily "$WORK/store"
cat "$WORK/mnt/large" "$WORK/mnt/size-4097" "$WORK/mnt/size-4096" >/dev/null
umount "$WORK/mnt" "$WORK/mnt.erofs"
stop_bg "$FETCH_PID"

recorded=$WORK/store/profiles/$IMAGE_DIGEST.recorded
for file in large size-4097 size-4096; do
	composefs-info measure-file "$WORK/tree/$file"
done >"$WORK/want"
cmp "$WORK/want" "$recorded"
grep -v '^#' "$WORK/record" | cmp "$WORK/want" -
cfs-fetch report "$WORK/record" --profile="$recorded" --plot="$WORK/plot.svg" >"$WORK/report"
assert_in "3 misses" "$WORK/report"
assert_in "lists 3 objects; it lacks 0 that were waited for (0 B); 0 were not used" "$WORK/report"
check well-formed "$WORK/plot.svg"

# The same start with a profile that lacks one and has one too many.
head -n 2 "$WORK/want" >"$WORK/other"
composefs-info measure-file "$WORK/tree/size-100000" >>"$WORK/other"
cfs-fetch report "$WORK/record" --json --profile="$WORK/other" >"$WORK/report.json"
check json "$WORK/report.json" missed=3 profiles/0/missed=1 profiles/0/in_vain=1

mkdir "$ORIGIN/profiles"
cp "$recorded" "$ORIGIN/profiles/$IMAGE_DIGEST"
new_store "$WORK/other-store"
assert_gets 3
start_fetch "$WORK/other-store" "$WORK/objects" --mirror "$SERVE_URL"
wait_for 10 counter_is "done" ahead prefetch state
assert_eq "$(counter ahead prefetch fetched)" 3 "objects prefetched"
mount_lazily "$WORK/other-store"
cmp "$WORK/tree/large" "$WORK/mnt/large"
cmp "$WORK/tree/size-4097" "$WORK/mnt/size-4097"
assert_eq "$(counter requests misses)" 0 "misses of what the profile lists"
cmp "$WORK/tree/size-4095" "$WORK/mnt/size-4095"
assert_eq "$(counter ahead prefetch missed)" 1 "objects that the profile missed"
assert_gets 7
umount "$WORK/mnt" "$WORK/mnt.erofs"
stop_bg "$FETCH_PID"

# What it recorded is what both starts needed.
composefs-info measure-file "$WORK/tree/size-4095" >>"$WORK/want"
cmp "$WORK/want" "$WORK/other-store/profiles/$IMAGE_DIGEST.recorded"

new_store "$WORK/bare"
start_fetch "$WORK/bare" "$WORK/objects" --mirror "$SERVE_URL" --no-prefetch
mount_lazily "$WORK/bare"
cmp "$WORK/tree/size-4096" "$WORK/mnt/size-4096"
assert_eq "$(counter ahead prefetch state)" off "prefetch"
assert_eq "$(counter fetches objects)" 1 "objects fetched without prefetch"
