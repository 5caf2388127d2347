#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 240
#
# N1 to N6 of the fault matrix: a mirror that can't be reached, says nothing, or breaks off.
# The reader gets its bytes from the other one, and soon the bad one is not asked any more.
. "${0%/*}/lib.sh"
. "$E2E/fault_lib.sh"

start_faultd A
start_faultd B

fault "N1 connection refused"
dead=http://127.0.0.1:$(free_port)
client --mirror "$dead" --mirror "$B"
bytes 5000 "${OBJECTS[@]}"
assert_eq "$(state "$dead")" avoided "$FAULT: state"
assert_eq "$(results "$dead" unreachable)" 3 "$FAULT: tries before it is avoided"
assert_eq "$(seen "$B" gets)" 12 "$FAULT: GETs of B"
done_with "$FAULT"

fault "N2 SYNs dropped"
start_bg "$WORK/full" fault_client full
wait_for 20 test -s "$WORK/full"
full=http://127.0.0.1:$(cat "$WORK/full")
client --mirror "$full" --mirror "$B"
bytes 7000 "${OBJECTS[0]}"
bytes 7000 "${OBJECTS[@]:1:2}"
assert_eq "$(state "$full")" avoided "$FAULT: state"
bytes 1500 "${OBJECTS[@]:3:3}"
assert_eq "$(results "$full" timeout)" 3 "$FAULT: tries before it is avoided"
done_with "$FAULT"

fault "N3 accepts, and is silent"
rules "$A" "objects silent"
client --mirror "$A" --mirror "$B"
bytes 7000 "${OBJECTS[@]:0:3}"
assert_eq "$(state "$A")" avoided "$FAULT: state"
bytes 1500 "${OBJECTS[@]:3:6}"
assert_eq "$(seen "$A" gets)" 3 "$FAULT: GETs of A"
done_with "$FAULT"

fault "N4 head drips"
rules "$A" "objects drip-head s=0.5"
client --mirror "$A" --mirror "$B"
bytes 9000 "${OBJECTS[0]}"
assert_eq "$(results "$A" timeout)" 1 "$FAULT: timeouts of A"
done_with "$FAULT"

fault "N5 body drips: another mirror is asked as well, and is sooner"
rules "$A" "objects drip-body bps=10"
client --mirror "$A" --mirror "$B"
bytes 9000 "${OBJECTS[0]}"
assert_eq "$(results "$A" timeout)" 0 "$FAULT: timeouts of A"
done_with "$FAULT"

fault "N5 body drips, and nothing may be asked for twice"
rules "$A" "objects drip-body bps=10"
client --mirror "$A" --mirror "$B" --no-hedge
bytes 9000 "${OBJECTS[0]}"
assert_eq "$(results "$A" timeout)" 1 "$FAULT: timeouts of A"
done_with "$FAULT"

fault "N5 body drips, just above the stall limit: the whole object has a limit, too"
rules "$A" "objects drip-body bps=400"
client --mirror "$A" --mirror "$B" --no-hedge --stall-rate=10 --object-timeout=3 --object-rate=1M
bytes 9000 "${OBJECTS[0]}"
assert_eq "$(results "$A" timeout)" 1 "$FAULT: timeouts of A"
done_with "$FAULT"

for action in close rst-head rst-body; do
	fault "N6 $action, both mirrors, the first two times each"
	rules "$A" "objects $action first=2"
	rules "$B" "objects $action first=2"
	client --mirror "$A" --mirror "$B"
	bytes 15000 "${OBJECTS[@]:0:4}"
	done_with "$FAULT"
done
