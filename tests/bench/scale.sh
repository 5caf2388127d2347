#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# scale.sh [OBJECTS [TIMES]]: stores of OBJECTS (100,000) and TIMES (10) as many objects, with 20
# images over half of them: seconds and peak memory of the commands of cfs-store, and how they
# grow.  Opening must take the same steps, whatever the size: the system calls of
# `cfs-store ls` are counted.  The larger store needs about 1.5 KB of disk an object.
. "${0%/*}/../e2e/lib.sh"
need_prog cfs-store
need_cmd strace
PATH=$CFS_BUILD/tests/bench:$PATH
objects=${1:-100000} times=${2:-10}
images=20
measure() { python3 "${BASH_SOURCE[0]%/*}/measure.py" "$@"; }

calls() { strace -f -o /dev/stdout cfs-store ls "$1" | grep -cv '^cfs\|exited'; }

measure_all() { # STORE RESULTS
	{
		echo "ls $(measure cfs-store ls "$1")"
		echo "du $(measure cfs-store du "$1")"
		echo "gc--dry-run $(measure cfs-store gc --dry-run "$1")"
		echo "gc--max-size $(measure cfs-store gc --dry-run --max-size=1T "$1")"
		echo "verify--quick $(measure cfs-store verify --quick "$1" 2>/dev/null)"
	} >"$2"
}

for n in "$objects" $((objects * times)); do
	start=$SECONDS
	fill_store "$WORK/$n" "$n" "$images" $((n / images)) 2>/dev/null
	sync -f "$WORK"
	echo "$n objects, $images images of $((n / images)) files: made in $((SECONDS - start)) s"
	measure_all "$WORK/$n" "$WORK/results.$n"
	calls "$WORK/$n" >"$WORK/calls.$n"
done
large=$((objects * times))
printf '%-14s %10s %8s %10s %8s %7s %7s\n' "" "$objects" "" "$large" "" "time" "memory"
paste -d' ' "$WORK/results.$objects" "$WORK/results.$large" |
	awk '{ printf "%-14s %8.3f s %4.0f MiB %6.3f s %4.0f MiB %6.1f x %5.1f x\n", $1, $2, $3, $5, $6, $5 / $2, $6 / $3 }'
echo "system calls of ls: $(cat "$WORK/calls.$objects"), $(cat "$WORK/calls.$large")"
assert_eq "$(cat "$WORK/calls.$large")" "$(cat "$WORK/calls.$objects")" "system calls of ls"
