#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 300
#
# N15 to N19 of the fault matrix: 404, 403, 401, 429, 500 and 503, from one mirror or all.
. "${0%/*}/lib.sh"
. "$E2E/fault_lib.sh"

start_faultd A
start_faultd B

fault "N15 404 on A"
rules "$A" "objects status code=404"
client --mirror "$A" --mirror "$B"
bytes 3000 "${OBJECTS[@]}"
assert_eq "$(state "$A")" good "$FAULT: a mirror that answers is not avoided"
assert_eq "$(results "$A" missing)" 12 "$FAULT: GETs that A does not have"
done_with "$FAULT"

for how in --soft --hard; do
	fault "N16 404 everywhere, $how: EIO at once, never ENOENT"
	rules "$A" "objects status code=404"
	rules "$B" "objects status code=410"
	client --mirror "$A" --mirror "$B" $how
	no_bytes EIO 0 5000 "${OBJECTS[0]}"
	rules "$B"
	bytes 5000 "${OBJECTS[0]}"
	done_with "$FAULT"
done

for code in 401 403; do
	fault "N17 $code on A: the next one"
	rules "$A" "objects status code=$code"
	rules "$B"
	client --mirror "$A" --mirror "$B"
	bytes 5000 "${OBJECTS[@]:0:3}"
	grep -q denied "$FETCH_LOG" || fail "$FAULT: the log says nothing"
	done_with "$FAULT"
	fault "N17 $code everywhere: EIO"
	rules "$B" "objects status code=$code"
	client --mirror "$A" --mirror "$B" --deadline=5
	no_bytes EIO 0 10000 "${OBJECTS[0]}"
	done_with "$FAULT"
done

for code in 429 503; do
	fault "N18 $code and Retry-After: 3600"
	rules "$A" "objects status code=$code retry=3600"
	rules "$B"
	client --mirror "$A" --mirror "$B"
	bytes 3000 "${OBJECTS[@]}"
	assert_eq "$(seen "$A" gets)" 1 "$FAULT: GETs of A"
	done_with "$FAULT"
done

fault "N18 429 and Retry-After: 2 from the only mirror"
rules "$A" "objects status code=429 retry=2 first=1"
client --mirror "$A"
bytes 8000 "${OBJECTS[0]}"
assert_eq "$(seen "$A" gets)" 2 "$FAULT: GETs of A"
done_with "$FAULT"

fault "N19 half of all answers are 500 or 503"
rules "$A" "objects status code=503 p=0.25" "objects status code=500 p=0.33"
rules "$B" "objects status code=503 p=0.25" "objects status code=500 p=0.33"
client --mirror "$A" --mirror "$B"
bytes 15000 "${OBJECTS[@]}" "$BIG"
done_with "$FAULT"

fault "N19 nine of ten answers are 500, hard: slowly, but in the end"
rules "$A" "objects status code=500 p=0.9"
rules "$B" "objects status code=500 p=0.9"
client --mirror "$A" --mirror "$B" --hard
pids=()
for object in "${OBJECTS[@]:0:4}"; do
	fault_client read "$MNT" "$WORK/origin" 150000 "$object" &
	pids+=($!)
done
for pid in "${pids[@]}"; do
	wait "$pid" || fail "$FAULT"
done
done_with "$FAULT"
