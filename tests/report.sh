# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Sourced: one line a case, the same for every kind of case, and the count at the end.
#
#	$CFS_RESULTS	a file that gets the verdict and name of each case

# report STATUS NAME SECONDS LOG: an exit status becomes a verdict; 77 gives its reason
# in the log's last SKIP line, and has none of the excuse without it.
report() {
	local status=$1 name=$2 seconds=$3 log=$4 verdict reason=

	case $status in
	0) verdict=PASS ;;
	77)
		verdict=SKIP
		reason=$(sed -n 's/^SKIP: //p' "$log" | tail -n 1)
		if [ -z "$reason" ]; then
			verdict=FAIL
			reason="skipped without a reason"
		fi
		;;
	124 | 137) verdict=FAIL reason="out of time or killed, status $status" ;;
	*) verdict=FAIL reason="status $status" ;;
	esac
	printf '%s %-60s %6s s  %s\n' "$verdict" "$name" "$seconds" "$reason"
	if [ "$verdict" = FAIL ]; then
		tail -n "${CFS_TAIL:-40}" "$log" | sed 's/^/    | /'
	fi
	if [ -n "${CFS_RESULTS:-}" ]; then
		echo "$verdict $name $reason" >>"$CFS_RESULTS"
	fi
}

# verdicts VERDICT: how many of them $CFS_RESULTS has.
verdicts() { grep -c "^$1 " "$CFS_RESULTS" || true; }

# seconds_since START: with one decimal; START as $EPOCHREALTIME gave it.
seconds_since() {
	local us=$((${EPOCHREALTIME/[.,]/} - ${1/[.,]/}))

	printf '%d.%d' $((us / 1000000)) $((us / 100000 % 10))
}
