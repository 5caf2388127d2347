#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# run.sh [SECONDS [TARGET...]]: build the fuzz targets with clang, ASan and
# UBSan, and run each of them (or those named) for SECONDS (60).
#
# A corpus is kept in build-fuzz/corpus/TARGET and grows from run to run.  Exit
# status 1 if a target found something; the input is then in build-fuzz/found.
set -euo pipefail

cd "$(dirname "$0")/../.."
seconds=${1:-60}
[ $# -eq 0 ] || shift
build="build-fuzz"

command -v clang >/dev/null || { echo "SKIP: no clang"; exit 77; }
cmake -S . -B $build -G Ninja -DCMAKE_C_COMPILER=clang -DCFS_FUZZ=ON >/dev/null
ninja -C $build help | sed -nE 's/^(fuzz_[a-z_]+): phony$/\1/p' |
	sort -u >$build/targets
mapfile -t targets <$build/targets
if [ $# -gt 0 ]; then
	targets=("${@/#/fuzz_}")
fi
ninja -C $build "${targets[@]}" mkcomposefs >$build/build.log ||
	{ tail -n 30 $build/build.log; exit 1; }

# Images to start from are made of dumps; other targets take their seeds as
# they are.
seed() {
	local target=$1 corpus=$2 dump
	if [ "$target" = fuzz_image ]; then
		for dump in tests/fuzz/seeds/dump/*; do
			$build/cache/mkcomposefs --from-file "$dump" \
				"$corpus/seed-$(basename "$dump")" || true
		done
	elif [ -d "tests/fuzz/seeds/${target#fuzz_}" ]; then
		cp -t "$corpus" "tests/fuzz/seeds/${target#fuzz_}"/*
	fi
}

status=0
mkdir -p $build/found
for target in "${targets[@]}"; do
	corpus=$build/corpus/$target
	mkdir -p "$corpus"
	seed "$target" "$corpus"
	program=$(find $build/tests/fuzz -name "$target" -type f)
	if "$program" -max_total_time="$seconds" -timeout=20 \
		-rss_limit_mb=1024 -max_len=65536 -len_control=0 \
		-print_final_stats=1 \
		-artifact_prefix="$build/found/$target-" \
		"$corpus" >"$build/$target.log" 2>&1; then
		printf 'PASS %s: %s executions\n' "$target" \
			"$(sed -n 's/^stat::number_of_executed_units: *//p' \
				"$build/$target.log")"
	else
		status=1
		printf 'FAIL %s:\n' "$target"
		tail -n 40 "$build/$target.log"
	fi
done
exit $status
