#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# also: vm
# Two fetchers, cfs-seed and mkcomposefs bring the same objects into one store at the same
# time: all succeed, each object is there once and whole, and nothing is left over.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_prog cfs-fetch cfs-seed cfs-serve mkcomposefs cfs-store

mkdir "$WORK/tree"
for i in $(seq 80); do
	head -c $((i * 1777 + 65)) /dev/urandom >"$WORK/tree/$i"
done
make_origin
start_mirror
new_store "$WORK/store"
for n in 1 2; do
	mkdir "$WORK/objects.$n"
	start_bg "$WORK/fetch.$n.log" cfs-fetch --foreground --store "$WORK/store" \
		--mirror "$SERVE_URL" "$WORK/objects.$n"
	wait_for 10 mountpoint -q "$WORK/objects.$n"
done
composefs-info objects "$ORIGIN/images/tree" >"$WORK/names"

pids=()
for n in 1 2; do
	(cd "$WORK/objects.$n" && xargs -P 8 -n 4 sha256sum <"$WORK/names" | sort -k 2) \
		>"$WORK/sums.$n" &
	pids+=("$!")
done
cfs-seed --store="$WORK/store" --mirror="$SERVE_URL" --quiet tree &
pids+=("$!")
mkcomposefs --store="$WORK/store" --name=made "$WORK/tree" &
pids+=("$!")
for pid in "${pids[@]}"; do
	wait "$pid" || fail "one of them failed"
done

(cd "$ORIGIN/objects" && xargs sha256sum <"$WORK/names" | sort -k 2) >"$WORK/sums"
for n in 1 2; do
	cmp "$WORK/sums" "$WORK/sums.$n"
	umount "$WORK/objects.$n"
done
assert_eq "$(readlink "$WORK/store/images/made")" "$(readlink "$WORK/store/images/tree")" "images"
assert_eq "$(count_objects "$WORK/store")" 81 "objects, and the image"
[ ! -e "$WORK/store/quarantine" ] || fail "something went to quarantine"
cfs-store verify --full "$WORK/store"
