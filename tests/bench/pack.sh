#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# pack.sh [TREE]: read the trace of a start (see start_lib.sh) with an empty store and a
# pack on the mirror, through EROFS, overlayfs and cfs-fetch, with 8 and with 1 readers,
# beside one curl stream of the pack itself to a file; links of $RTTS (0 10 20 50) ms and
# $RATE (125) MB/s; $RUNS (3) times in turn.  Milliseconds, medians, from the start of
# cfs-fetch to the last byte read.  Targets: 20 and 50 ms at most 1.3 times the stream; with
# RTTS=10 RATE=12.5 at most 5 s.  Also CPU seconds for a GB and peak memory.
. "${0%/*}/../e2e/lib.sh"
# shellcheck source=tests/e2e/lazy.sh
. "$E2E/lazy.sh"
# shellcheck source=tests/bench/start_lib.sh
. "$CFS_TOP/tests/bench/start_lib.sh"

start_origin "${1:-$(debian_root)}"
record_start
cfs-store pack --profile="$WORK/profile" --level="${LEVEL:-19}" "$ORIGIN" tree >/dev/null
pack=packs/$IMAGE_DIGEST
packed=$(stat -c %s "$ORIGIN/$pack")

with_curl() {
	local start

	start=$(now_ms)
	curl -sf -o "$WORK/curl" "http://127.0.0.1:$LINK_PORT/$pack"
	echo $(($(now_ms) - start)) >>"$WORK/ms.curl.$rtt"
}

with_readers() {
	local start

	fresh_store
	start=$(now_ms)
	start_fetch "$STORE" "$WORK/objects" --mirror "http://127.0.0.1:$LINK_PORT"
	mount_lazily "$STORE"
	read_trace "$1"
	echo $(($(now_ms) - start)) >>"$WORK/ms.$1.$rtt"
	counter fetches delivered >>"$WORK/delivered"
	counter mirrors 0 requests >>"$WORK/gets"
	note_cost pack
	end_fetch
}

echo "$objects objects, $bytes bytes, $packed packed; $rate MB/s; medians of ${RUNS:-3}"
for rtt in $rtts; do
	start_link "$SERVE_PORT" "$rtt"
	for _ in $(seq "${RUNS:-3}"); do
		with_curl
		with_readers 8
		with_readers 1
	done
	stop_bg "$LINK_PID"
done
printf '%-28s' ""
for rtt in $rtts; do
	printf '%7s ms' "$rtt"
done
echo
for column in curl 8 1; do
	case $column in
	curl) printf '%-28s' "one stream of the pack" ;;
	*) printf '%-28s' "the trace, readers: $column" ;;
	esac
	for rtt in $rtts; do
		printf '%10s' "$(median <"$WORK/ms.$column.$rtt")"
	done
	echo
done
for readers in 8 1; do
	printf '%-28s' "ratio, readers: $readers"
	for rtt in $rtts; do
		printf '%10s' "$(echo "$(median <"$WORK/ms.$readers.$rtt")" "$(median <"$WORK/ms.curl.$rtt")" |
			awk '{ printf "%.2f", $1 / $2 }')"
	done
	echo
done
echo "out of the pack $(median <"$WORK/delivered") objects, by GETs of their own $(median <"$WORK/gets")"
echo "CPU seconds for a GB, peak MiB: $(cost pack)"
