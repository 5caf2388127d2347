#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Of many objects that could not be had, cfs-seed shows ten, and counts; with --verbose all.
. "${0%/*}/lib.sh"
need_prog cfs-seed cfs-serve mkcomposefs

mkdir "$WORK/tree"
for i in $(seq 200); do
	seq "$i" $((i + 100)) >"$WORK/tree/$i"
done
make_store "$WORK/origin" "$WORK/tree" app
digests=$(composefs-info measure-file "$WORK"/tree/{1..120})
for digest in $digests; do
	rm -f "$WORK/origin/objects/$(object_path "$digest")"
done
start_serve "$WORK/origin"

# seed OPTION...: sets lines, how many name an object.
seed() {
	rm -rf "$WORK/store"
	status=0
	cfs-seed --store="$WORK/store" --mirror="$SERVE_URL" "$@" app >"$WORK/out" 2>"$WORK/err" ||
		status=$?
	assert_eq "$status" 3 "exit status"
	lines=$(grep -c '^cfs-seed: object ' "$WORK/err" || true)
}
seed --quiet
assert_eq "$lines" 10 "objects shown"
assert_in "110 more objects could not be had" "$WORK/err"
assert_in "120 objects could not be had" "$WORK/err"
assert_in "HTTP 404" "$WORK/err"
[ "$(wc -l <"$WORK/err")" -le 20 ] || fail "$(wc -l <"$WORK/err") lines"
seed --json
assert_eq "$lines" 10 "objects shown with --json"
assert_eq "$(jq .failed.objects "$WORK/out")" 120 "objects that failed"
seed --verbose
assert_eq "$lines" 120 "objects shown with --verbose"
assert_fails cfs-seed --store="$WORK/store" --mirror="$SERVE_URL" --quiet --verbose app
