#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A mirror that refuses ranges, in whatever way, gives large objects whole; after two of
# them it is not asked for ranges any more.
. "${0%/*}/lib.sh"
. "$E2E/fault_lib.sh"

start_faultd A
rows=(no-range)
for code in 400 403 405 406 416 500 501; do
	rows+=("range-status code=$code")
done
for row in "${rows[@]}"; do
	fault "ranges are answered with: $row"
	rules "$A" "objects $row"
	client --mirror "$A" --parts-from=64K
	bytes 10000 "${OBJECTS[@]}"
	# Two that are tried in parts, and those ten besides; 500 may be an accident.
	[ "$(seen "$A" gets)" -le 20 ] || fail "$FAULT: $(seen "$A" gets) GETs"
	done_with "$FAULT"
done

fault "with a second mirror that does ranges"
rules "$A" "objects range-status code=400"
start_faultd B
client --mirror "$A" --mirror "$B" --parts-from=64K
bytes 10000 "${OBJECTS[@]}"
done_with "$FAULT"

fault "and all of it is denied"
rules "$A" "objects status code=403"
client --mirror "$A" --parts-from=64K
no_bytes EIO 0 5000 "${OBJECTS[0]}"
assert_in "HTTP 403" "$FETCH_LOG"
done_with "$FAULT"
