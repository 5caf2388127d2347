#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# run.sh [--first=SEED] [--steps=N] [--jobs=N]: the engine in a simulated world for longer
# than tests/run unit does it: on each processor, from another seed on.
#
#	--first=SEED	where to begin; default the seconds since 1970, so never the same twice
#	--steps=N	of each process; default 10000000, which take it some ten minutes
#	--jobs=N	processes; default one a processor
#
# A seed that fails is printed with its last steps and the command that shows it again; put
# it into tests/sim/seeds when it is mended.  Exit status 0 if none did.
set -eu
cd "$(dirname "$0")/../.."

first=$(date +%s)000000
steps=10000000
jobs=$(nproc)
for argument; do
	case $argument in
	--first=*) first=${argument#*=} ;;
	--steps=*) steps=${argument#*=} ;;
	--jobs=*) jobs=${argument#*=} ;;
	*) sed -n '4,/^set /s/^# \{0,1\}//p' "$0"; exit 2 ;;
	esac
done

cmake -S . -B build -G Ninja >/dev/null
ninja -C build sim >/dev/null
pids=()
for ((i = 0; i < jobs; i++)); do
	build/tests/sim/sim --first=$((first + i * 100000000)) --steps="$steps" &
	pids+=($!)
done
status=0
for pid in "${pids[@]}"; do
	wait "$pid" || status=1
done
exit "$status"
