#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mkcomposefs.sh [ROOT [RUNS]]: ours and the existing mkcomposefs side by side on a real
# tree, in turns: medians of RUNS (5) runs, seconds of wall clock and of processor.
#
#	image, warm	hashing alone, the tree in the page cache
#	image, cold	the same after the page cache was dropped (root only)
#	objects, new	with --digest-store into an empty folder
#	objects, again	with --digest-store into a full one
#
# The images must be identical.
set -euo pipefail
cd "$(dirname "$0")/../.."

root=${1:-$(tests/debian-root.sh)}
runs=${2:-5}
ours=${CFS_BUILD:-build}/cache/mkcomposefs
upstream=$(tests/sid-tools.sh)
work=$(mktemp -d "${TMPDIR:-/tmp}/cfs-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT

# timed WHO COMMAND...: one line "wall cpu" to $work/WHO.
timed() {
	local who=$1

	shift
	TIMEFORMAT='%R %U %S'
	{ time "$@" >/dev/null; } 2>"$work/time"
	awk '{ print $1, $2 + $3 }' "$work/time" >>"$work/$who"
}

# one WHO OPTION...: a run of ours or of the other.
one() {
	local who=$1

	shift
	if [ "$who" = ours ]; then
		timed ours "$ours" "$@" "$root" "$work/ours.image"
	else
		timed theirs "$upstream" mkcomposefs "$@" "$root" "$work/theirs.image"
	fi
}

median() { sort -n -k"$2" "$work/$1" | awk -v c="$2" '{ v[NR] = $c } END { print v[int((NR + 1) / 2)] }'; }

report() {
	local w u cw cu

	w=$(median ours 1) u=$(median theirs 1) cw=$(median ours 2) cu=$(median theirs 2)
	awk -v name="$1" -v w="$w" -v u="$u" -v cw="$cw" -v cu="$cu" 'BEGIN {
		printf "%-16s wall %7.2f : %7.2f  %5.2f x    cpu %6.2f : %6.2f  %5.2f x\n",
			name, w, u, u / w, cw, cu, cu / cw }'
	rm -f "$work/ours" "$work/theirs"
	cmp "$work/ours.image" "$work/theirs.image"
}

printf '%s: %s files, %s MiB, %s processors, load %s\n' "$root" \
	"$(find "$root" -xdev -type f | wc -l)" "$(du -sxm "$root" | cut -f1)" \
	"$(nproc)" "$(cut -d' ' -f1 /proc/loadavg)"
echo "                 ours : existing tool"

one ours
rm -f "$work/ours"
for ((i = 0; i < runs; i++)); do
	one ours
	one theirs
done
report "image, warm"

if [ -w /proc/sys/vm/drop_caches ]; then
	for ((i = 0; i < runs; i++)); do
		for who in ours theirs; do
			sync
			echo 3 >/proc/sys/vm/drop_caches
			one "$who"
		done
	done
	report "image, cold"
fi

for ((i = 0; i < runs; i++)); do
	for who in ours theirs; do
		rm -rf "${work:?}/$who.objects"
		sync
		one "$who" --digest-store="$work/$who.objects"
	done
done
report "objects, new"
diff -rq "$work/ours.objects" "$work/theirs.objects"

for ((i = 0; i < runs; i++)); do
	for who in ours theirs; do
		one "$who" --digest-store="$work/$who.objects"
	done
done
report "objects, again"
