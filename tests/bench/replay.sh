#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# replay.sh [TREE]: record a start on TREE (the Debian root of the tests), then play it
# against links of $RTTS (0 10 20 50) ms and $RATE (125) MB/s with one policy of prefetch
# after the other, $RUNS (3) times in turn.  Prints milliseconds, medians; with a profile
# that lacks 5 % also how long the misses took (p50/p99).  $POLICIES, one a line, are
# options of replay.c; $TRACE, $FILES and $BYTES see start_lib.sh.
. "${0%/*}/../e2e/lib.sh"
# shellcheck source=tests/e2e/lazy.sh
. "$E2E/lazy.sh"
# shellcheck source=tests/bench/start_lib.sh
. "$CFS_TOP/tests/bench/start_lib.sh"

default_policies() {
	echo "--no-profile --readers=1"
	echo "--no-profile --readers=8"
	for readers in 1 8; do
		for lack in "" --lack=5; do
			echo "--readers=$readers $lack"
			echo "--readers=$readers $lack --ahead=16 --beside=16"
			echo "--readers=$readers $lack --beside=1"
			echo "--readers=$readers $lack --beside=16"
			echo "--readers=$readers $lack --bytes=2M"
			echo "--readers=$readers $lack --bytes=64M"
		done
	done
}

start_origin "${1:-$(debian_root)}"
record_start
echo "$objects objects, $bytes bytes; $rate MB/s; medians of ${RUNS:-3}"
printf '%-52s' "policy"
for rtt in $rtts; do
	printf '%7s ms' "$rtt"
done
echo
mapfile -t policies <<<"${POLICIES:-$(default_policies)}"
for rtt in $rtts; do
	start_link "$SERVE_PORT" "$rtt"
	for _ in $(seq "${RUNS:-3}"); do
		for i in "${!policies[@]}"; do
			fresh_dir
			# shellcheck disable=SC2086  # a policy is several options
			replay ${policies[i]} "$WORK/record" "$DIR" \
				"http://127.0.0.1:$LINK_PORT" >>"$WORK/result.$i.$rtt"
		done
	done
	stop_bg "$LINK_PID"
done
for i in "${!policies[@]}"; do
	printf '%-52s' "${policies[i]}"
	for rtt in $rtts; do
		ms=$(sed 's/^ms=\([0-9]*\).*/\1/' "$WORK/result.$i.$rtt" | median)
		printf '%10s' "$ms"
	done
	case ${policies[i]} in
	*lack*)
		for rtt in $rtts; do
			sed -n 's/.*p50_ms=\([0-9]*\) p99_ms=\([0-9]*\).*/  \1\/\2/p' \
				"$WORK/result.$i.$rtt" | head -n 1 | tr -d '\n'
		done ;;
	esac
	echo
done
