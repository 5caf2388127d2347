#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 240
#
# N26 to N28 of the fault matrix: floods of header bytes, answers that are not HTTP, and
# wrong answers to a request for the rest of an object: never a spliced one.
. "${0%/*}/lib.sh"
. "$E2E/fault_lib.sh"

start_faultd A
start_faultd B

for action in "header-line n=2000000" "header-lines n=20000" "interim n=20000" "interim n=1000000"; do
	fault "N26 $action"
	rules "$A" "objects $action"
	rules "$B"
	client --mirror "$A" --mirror "$B"
	bytes 9000 "${OBJECTS[0]}"
	assert_eq "$(seen "$B" gets)" 1 "$FAULT: GETs of B"
	done_with "$FAULT"
done

for action in http09 garbage nul; do
	fault "N27 $action"
	rules "$A" "objects $action"
	rules "$B"
	client --mirror "$A" --mirror "$B"
	bytes 5000 "${OBJECTS[0]}"
	assert_eq "$(seen "$B" gets)" 1 "$FAULT: GETs of B"
	done_with "$FAULT"
done

fault "a large object that breaks off is resumed"
rules "$A" "objects rst-body nth=1"
: >"$WORK/requests.A"
client --mirror "$A"
bytes 9000 "$BIG"
assert_eq "$(seen "$A" gets)" 2 "$FAULT: GETs"
grep -q 'range=bytes=[1-9]' "$WORK/requests.A" || fail "$FAULT: all of it was asked for again"
done_with "$FAULT"

for action in no-range wrong-range no-satisfy; do
	fault "N28 $action when the rest is asked for"
	rules "$A" "objects rst-body nth=1" "objects $action nth=1"
	: >"$WORK/requests.A"
	client --mirror "$A"
	bytes 15000 "$BIG"
	grep -q "action=$action range=bytes=[1-9]" "$WORK/requests.A" ||
		fail "$FAULT: the rest was not asked for"
	done_with "$FAULT"
done

fault "N28 the rest comes from another mirror, which has other bytes"
rules "$A" "objects rst-body first=1" "objects close"
rules "$B" "objects flip at=7900000 first=1"
client --mirror "$A" --mirror "$B"
bytes 15000 "$BIG"
done_with "$FAULT"
