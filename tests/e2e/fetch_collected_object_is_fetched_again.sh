#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# With --any nothing is pinned, so that an object can be collected between its
# download and the answer to the reader who waits for it: it is fetched again, and
# the reader does not notice.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_prog cfs-fetch cfs-serve mkcomposefs cfs-store composefs-info

n=300
mkdir "$WORK/tree"
for i in $(seq $n); do
	head -c $((5000 + i)) /dev/urandom >"$WORK/tree/$i"
done
make_origin
start_mirror
store=$WORK/store
mkdir -p "$store/objects" "$store/images"
start_fetch "$store" "$WORK/objects" --mirror "$SERVE_URL" --any

composefs-info measure-file "$WORK"/tree/* >"$WORK/digests"
collect() { while :; do cfs-store gc "$store" >/dev/null || return; done; }
collect 2>"$WORK/collector" &
collector=$!
failed=0
i=0
while read -r digest; do
	i=$((i + 1))
	if ! cat "$WORK/objects/${digest:0:2}/${digest:2}" >"$WORK/got" 2>>"$WORK/errors"; then
		failed=$((failed + 1))
		continue
	fi
	[ "$(composefs-info measure-file "$WORK/got")" = "$digest" ] || fail "wrong bytes of $digest"
done <"$WORK/digests"
kill "$collector" || fail "the collector ended: $(cat "$WORK/collector")"
wait "$collector" || true

assert_eq "$i" "$n" "objects asked for"
# Collected twice in the few milliseconds of one open() is an honest ENOSPC.
if grep -v "No space left" "$WORK/errors"; then fail "a reader got that error"; fi
[ "$failed" -le 10 ] || fail "$failed of $n could not be read"
[ "$(cfs-store gc --json --dry-run "$store" | jq .removed.objects)" -lt "$n" ] ||
	fail "nothing was collected"
umount "$WORK/objects"
stop_bg "$FETCH_PID"
