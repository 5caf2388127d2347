#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# verify.sh TREE [RUNS]: cfs-store verify --full of the objects of TREE beside two processes of
# sha256sum over the same files, from the page cache.  Medians of interleaved runs, and the
# ratio of the speeds (target: at least 1.5).
. "${0%/*}/../e2e/lib.sh"
# shellcheck source=tests/e2e/lazy.sh
. "$E2E/lazy.sh"
need_prog cfs-store mkcomposefs
[ $# -ge 1 ] || { echo "usage: ${0##*/} TREE [RUNS]" >&2; exit 2; }
runs=${2:-3}

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
timed() { # RESULTS COMMAND...
	local results=$1

	shift
	start=$(now_ms)
	"$@" >/dev/null
	echo $(($(now_ms) - start)) >>"$results"
}
sums() { find "$WORK/store/objects" -type f -print0 | xargs -0 -n 64 -P 2 sha256sum; }

make_store "$WORK/store" "$1" tree
echo "$(count_objects "$WORK/store") objects, $(du -sb "$WORK/store/objects" | cut -f1) bytes"
sync -f "$WORK"
sums >/dev/null
for _ in $(seq "$runs"); do
	timed "$WORK/sums.ms" sums
	timed "$WORK/verify.ms" cfs-store verify --full --threads=2 "$WORK/store"
done
sums_ms=$(median <"$WORK/sums.ms")
verify_ms=$(median <"$WORK/verify.ms")
echo "sha256sum, two processes:   $sums_ms ms ($(paste -sd' ' "$WORK/sums.ms"))"
echo "cfs-store verify --full:    $verify_ms ms ($(paste -sd' ' "$WORK/verify.ms"))"
awk -v s="$sums_ms" -v v="$verify_ms" 'BEGIN { printf "%.2f x as fast\n", s / v }'
