#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# With --from only what no local tree or store has is downloaded, whatever its name
# is there; the report says how much each source gave.
. "${0%/*}/lib.sh"
need_prog cfs-seed cfs-serve mkcomposefs

mkdir -p "$WORK/tree" "$WORK/old/deep/down"
for i in $(seq 100); do
	head -c $((i * 777 + 65)) /dev/urandom >"$WORK/tree/$i"
done
# Forty files are in an old tree under other names, thirty in another store.
for i in $(seq 40); do
	cp "$WORK/tree/$i" "$WORK/old/deep/down/was-$((1000 - i))"
done
head -c 842 /dev/urandom >"$WORK/old/same-size-other-bytes"
mkfifo "$WORK/old/pipe"
ln -s "$WORK/tree" "$WORK/old/link-to-all"
mkdir "$WORK/part"
for i in $(seq 41 70); do
	cp "$WORK/tree/$i" "$WORK/part/"
done
make_store "$WORK/other" "$WORK/part" part
make_store "$WORK/origin" "$WORK/tree" app
start_serve "$WORK/origin"

cfs-seed --store="$WORK/store" --mirror="$SERVE_URL" --from="$WORK/old" --from="$WORK/other" \
	--json app >"$WORK/report"
assert_eq "$(jq .complete "$WORK/report")" true "complete"
assert_eq "$(jq '.from[0].taken.objects' "$WORK/report")" 40 "taken from the tree"
assert_eq "$(jq '.from[1].taken.objects' "$WORK/report")" 30 "taken from the store"
assert_eq "$(jq .downloaded.objects "$WORK/report")" 30 "downloaded"
logged() { [ "$(check gets "$SERVE_ACCESS" /objects/)" -ge 30 ]; }
wait_for 10 logged
assert_eq "$(check gets "$SERVE_ACCESS" /objects/)" 30 "GETs of objects"
cfs-store verify --full "$WORK/store"

# Without any mirror local sources are enough, if they have it all.
cfs-seed --store="$WORK/offline" --from="$WORK/tree" --quiet \
	"$WORK/origin/images/app" --name=app
assert_eq "$(count_objects "$WORK/offline")" 101 "objects, and the image"
