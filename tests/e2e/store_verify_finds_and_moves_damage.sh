#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# also: vm
# cfs-store verify sees objects that are not what their names say, tells by its exit
# status, and moves them aside if asked; du counts them as missing then.
. "${0%/*}/lib.sh"
need_prog cfs-store mkcomposefs

mkdir "$WORK/tree"
for i in $(seq 20); do
	head -c $((i * 1000 + 65)) /dev/urandom >"$WORK/tree/$i"
done
make_store "$WORK/store" "$WORK/tree" app
cfs-store verify --full "$WORK/store" >"$WORK/out"
composefs-info objects "$WORK/store/images/app" >"$WORK/objects"
cd "$WORK/store/objects"

mapfile -t victims < <(head -4 "$WORK/objects")
replace() { rm -f "$1" && cat >"$1"; }
head -c 3000 /dev/zero | replace "${victims[0]}"	# other bytes
replace "${victims[1]}" </dev/null			# truncated
rm -f "${victims[2]}" && mkfifo "${victims[2]}"
rm -f "${victims[3]}" && ln -s /etc/passwd "${victims[3]}"

status=0
cfs-store verify --full "$WORK/store" >"$WORK/out" || status=$?
assert_eq "$status" 4 "status when damage is left"
for victim in "${victims[@]}"; do
	assert_in "objects/$victim: damaged" "$WORK/out"
done
status=0
cfs-store verify --full --repair --json "$WORK/store" >"$WORK/json" || status=$?
assert_eq "$status" 1 "status when all damage was moved aside"
assert_eq "$(jq '.damaged | length' "$WORK/json")" 4 "damaged objects"
cfs-store verify --full "$WORK/store"
assert_eq "$(cfs-store du --json "$WORK/store" | jq .total.missing.objects)" 4 "missing objects"
assert_eq "$(find "$WORK/store/quarantine" ! -type d | wc -l)" 4 "things in quarantine"

status=0
cfs-store verify --nonsense "$WORK/store" 2>/dev/null || status=$?
assert_eq "$status" 16 "status of a usage error"
