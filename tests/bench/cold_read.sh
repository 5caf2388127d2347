#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# cold_read.sh TREE [RUNS]: read every file of a tree once, with an empty store, through
# EROFS, overlayfs and cfs-fetch from cfs-serve on loopback, side by side with `curl
# --parallel` that fetches the same objects to the same disk.  Medians, and the ratio of the
# speeds (target: at least 0.7).  READERS (8) processes read.
. "${0%/*}/../e2e/lib.sh"
# shellcheck source=tests/e2e/lazy.sh
. "$E2E/lazy.sh"
# shellcheck source=tests/bench/fresh_lib.sh
. "$CFS_TOP/tests/bench/fresh_lib.sh"
need_root
need_fuse
need_fs erofs
need_fs overlay
need_cmd curl
need_prog cfs-fetch cfs-serve mkcomposefs cfs-store composefs-info
[ $# -ge 1 ] || { echo "usage: ${0##*/} TREE [RUNS]" >&2; exit 2; }
runs=${2:-3}
readers=${READERS:-8}

ORIGIN=$WORK/origin
make_store "$ORIGIN" "$1" tree
start_mirror
composefs-info objects "$ORIGIN/images/tree" | sort -u >"$WORK/names"
(cd "$1" && find . -type f -size +64c -print0) >"$WORK/files"
echo "$(wc -l <"$WORK/names") objects, $(du -sb "$ORIGIN/objects" | cut -f1) bytes, $readers readers"

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

with_curl() {
	fresh_curl "$SERVE_URL"
	sync -f "$WORK"
	start=$(now_ms)
	curl -s --no-progress-meter --parallel --parallel-max 32 --create-dirs -K "$WORK/curl.conf" 2>"$WORK/curl.log"
	sync -f "$WORK"
	echo $(($(now_ms) - start)) >>"$WORK/curl.ms"
}

with_fetch() {
	fresh_dir
	new_store "$DIR/store"
	start_fetch "$DIR/store" "$WORK/objects" --mirror "$SERVE_URL"
	mount_lazily "$DIR/store"
	sync -f "$WORK"
	start=$(now_ms)
	(cd "$WORK/mnt" && xargs -0 -P "$readers" -n 64 cat <"$WORK/files" >/dev/null)
	sync -f "$WORK"
	echo $(($(now_ms) - start)) >>"$WORK/fetch.ms"
	assert_eq "$(counter requests failed)" 0 "failed requests"
	umount "$WORK/mnt" "$WORK/mnt.erofs"
	stop_bg "$FETCH_PID"
}

for _ in $(seq "$runs"); do
	with_curl
	with_fetch
done
curl_ms=$(median <"$WORK/curl.ms")
fetch_ms=$(median <"$WORK/fetch.ms")
echo "curl --parallel: $curl_ms ms ($(paste -sd' ' "$WORK/curl.ms"))"
echo "cfs-fetch:       $fetch_ms ms ($(paste -sd' ' "$WORK/fetch.ms"))"
awk -v c="$curl_ms" -v f="$fetch_ms" 'BEGIN { printf "speed relative to curl: %.2f\n", c / f }'
