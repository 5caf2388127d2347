#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# gc runs without pause while images of the same files are made, seeded, pinned and
# unpinned: no image that has a name ever lacks an object.
. "${0%/*}/lib.sh"
need_prog cfs-store cfs-seed mkcomposefs composefs-info

mkdir "$WORK/tree"
for i in $(seq 60); do
	head -c $((i * 321 + 65)) /dev/urandom >"$WORK/tree/$i"
done
make_store "$WORK/origin" "$WORK/tree" app
mkdir -p "$WORK/store"
mkcomposefs --store="$WORK/store" --name=first "$WORK/tree"

collect() {
	while [ ! -e "$WORK/done" ]; do
		cfs-store gc "$WORK/store" >/dev/null || return 1
	done
}
collect &
collector=$!
at_exit stop_bg "$collector"

for round in $(seq 12); do
	cfs-store unpin "$WORK/store" first
	mkcomposefs --store="$WORK/store" --name=second "$WORK/tree"
	composefs-info --basedir="$WORK/store/objects" missing-objects \
		"$WORK/store/images/second" || fail "round $round: second lacks objects"
	cfs-store unpin "$WORK/store" second
	cfs-seed --store="$WORK/store" --from="$WORK/tree" --quiet --name=first \
		"$WORK/origin/images/app"
	composefs-info --basedir="$WORK/store/objects" missing-objects \
		"$WORK/store/images/first" || fail "round $round: first lacks objects"
done
touch "$WORK/done"
wait "$collector" || fail "gc failed"
cfs-store verify --full "$WORK/store"
