#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# gc.sh [OBJECTS [RUNS]]: cfs-store gc that removes OBJECTS (100,000) of a store beside
# `find -delete` of as many like them.  Medians of interleaved runs; target: within 1.5 times.
. "${0%/*}/../e2e/lib.sh"
# shellcheck source=tests/e2e/lazy.sh
. "$E2E/lazy.sh"
need_prog cfs-store
PATH=$CFS_BUILD/tests/bench:$PATH
objects=${1:-100000} runs=${2:-3}

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# remove RESULTS COMMAND...: from a new store.
remove() {
	local results=$1

	shift
	fill_store "$WORK/store" "$objects" 1 10 100 2>/dev/null
	cfs-store unpin "$WORK/store" image-0
	sync -f "$WORK"
	start=$(now_ms)
	"$@" >/dev/null
	echo $(($(now_ms) - start)) >>"$results"
	assert_eq "$(find "$WORK/store/objects" -type f | wc -l)" 0 "objects that are left"
	rm -rf "$WORK/store"
}

for _ in $(seq "$runs"); do
	remove "$WORK/find.ms" find "$WORK/store/objects" -type f -delete
	remove "$WORK/gc.ms" cfs-store gc "$WORK/store"
	remove "$WORK/limit.ms" cfs-store gc --max-size=1 "$WORK/store"
done
find_ms=$(median <"$WORK/find.ms")
for kind in gc limit; do
	ms=$(median <"$WORK/$kind.ms")
	printf '%-6s %6d ms (%s), find -delete %6d ms (%s): ' "$kind" "$ms" \
		"$(paste -sd' ' "$WORK/$kind.ms")" "$find_ms" "$(paste -sd' ' "$WORK/find.ms")"
	awk -v a="$ms" -v b="$find_ms" 'BEGIN { printf "%.2f x the time\n", a / b }'
done
