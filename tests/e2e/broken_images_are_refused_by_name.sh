#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# composefs-info reads what a mutator made of an image: it succeeds or says on stderr
# which image is no good, and never crashes or hangs.
# also: address
. "${0%/*}/lib.sh"
need_prog mkcomposefs composefs-info
mutate=$CFS_BUILD/tests/fuzz/mutate-image
[ -x "$mutate" ] || fail "mutate-image has not been built"

refused=0
for dump in "$CFS_TOP"/tests/fuzz/seeds/dump/*; do
	mkcomposefs --from-file "$dump" "$WORK/image"
	for seed in $(seq 1 25); do
		"$mutate" "$seed" "$WORK/image" "$WORK/broken"
		for command in ls dump objects; do
			status=0
			timeout 20 composefs-info "$command" "$WORK/broken" \
				>/dev/null 2>"$WORK/err" || status=$?
			[ "$status" -le 1 ] ||
				fail "seed $seed of $dump: $command ended with $status"
			[ "$status" -eq 1 ] || continue
			refused=$((refused + 1))
			assert_in "$WORK/broken" "$WORK/err"
		done
	done
done
[ "$refused" -gt 50 ] || fail "only $refused refusals: the mutator breaks too little"
