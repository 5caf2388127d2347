#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# cfs-seed brings in what an image needs and nothing twice: a second run finds
# everything here, and --dry-run says so before.  Its exit status tells complete
# from incomplete.
. "${0%/*}/lib.sh"
need_prog cfs-seed cfs-serve mkcomposefs

mkdir "$WORK/tree"
for i in $(seq 200); do
	head -c $((i * 531)) /dev/urandom >"$WORK/tree/$i"
done
make_store "$WORK/origin" "$WORK/tree" app
start_serve "$WORK/origin"

status=0
cfs-seed --store="$WORK/store" --mirror="$SERVE_URL" --dry-run --json app >"$WORK/dry" || status=$?
assert_eq "$status" 3 "status of a dry run that finds objects missing"
assert_eq "$(jq .missing.objects "$WORK/dry")" 200 "missing objects"
[ ! -e "$WORK/store/images/app" ] || fail "a dry run gave the image a name"

cfs-seed --store="$WORK/store" --mirror="$SERVE_URL" app >"$WORK/first"
cfs-seed --store="$WORK/store" --mirror="$SERVE_URL" --json app >"$WORK/second"
assert_eq "$(jq .complete "$WORK/second")" true "complete"
assert_eq "$(jq .present.objects "$WORK/second")" 200 "objects found here"
assert_eq "$(jq .downloaded.objects "$WORK/second")" 0 "objects downloaded again"
logged() { [ "$(check gets "$SERVE_ACCESS" /objects/)" -ge 200 ]; }
wait_for 10 logged
assert_eq "$(check gets "$SERVE_ACCESS" /objects/)" 200 "GETs of objects"
cfs-store verify --full "$WORK/store"
assert_eq "$(readlink "$WORK/store/images/app")" "$(readlink "$WORK/origin/images/app")" "the name"

# One object is gone from the mirror, too: that is incomplete, and says which.
composefs-info objects "$WORK/store/images/app" >"$WORK/objects"
read -r victim <"$WORK/objects"
rm -f "$WORK/store/objects/$victim" "$WORK/origin/objects/$victim"
start_serve "$WORK/origin"	# the first one may remember the object
status=0
cfs-seed --store="$WORK/store" --mirror="$SERVE_URL" app 2>"$WORK/err" || status=$?
assert_eq "$status" 3 "status of an incomplete run"
assert_in "${victim/\//}" "$WORK/err"
