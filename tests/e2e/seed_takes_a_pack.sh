#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# cfs-seed brings in an image by a few streams where the mirror has a pack of all of it,
# and one by one what the pack lacks, or where little is wanted.
. "${0%/*}/lib.sh"
need_prog cfs-seed cfs-serve cfs-store mkcomposefs

mkdir "$WORK/tree"
for i in $(seq 150); do
	seq "$i" $((i * 50)) >"$WORK/tree/$i"
done
seq 100000 >"$WORK/tree/large"
make_store "$WORK/origin" "$WORK/tree" app
cfs-store pack --all --name=all --max-object-size=100K --level=3 "$WORK/origin" app >/dev/null
start_serve "$WORK/origin"

cfs-seed --store="$WORK/store" --mirror="$SERVE_URL" --json app >"$WORK/first"
assert_eq "$(jq .complete "$WORK/first")" true "complete"
assert_eq "$(jq .downloaded.objects "$WORK/first")" 151 "objects downloaded"
cfs-store verify --full "$WORK/store"
logged() { [ "$(check gets "$SERVE_ACCESS" /objects/)" -ge 1 ]; }
wait_for 10 logged
assert_eq "$(check gets "$SERVE_ACCESS" /objects/)" 1 "GETs of objects"
packs=$(check gets "$SERVE_ACCESS" /packs/)
[ "$packs" -ge 1 ] || fail "the pack was not asked for"
[ "$packs" -le 8 ] || fail "$packs GETs of the pack"

# Two objects are not worth a pack.
for i in 7 9; do
	rm -f "$WORK/store/objects/$(object_path "$(composefs-info measure-file "$WORK/tree/$i")")"
done
cfs-seed --store="$WORK/store" --mirror="$SERVE_URL" app
more() { [ "$(check gets "$SERVE_ACCESS" /objects/)" -ge 3 ]; }
wait_for 10 more
assert_eq "$(check gets "$SERVE_ACCESS" /packs/)" "$packs" "GETs of the pack after that"
