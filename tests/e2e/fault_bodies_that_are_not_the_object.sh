#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 240
#
# N7 to N14 of the fault matrix: too few bytes, too many, others, compressed ones nobody
# asked for.  None gets into the store; the reader gets the right ones from elsewhere, or
# an error if there is no elsewhere.
. "${0%/*}/lib.sh"
. "$E2E/fault_lib.sh"

start_faultd A
start_faultd B

# A does it always; the counter that must name it; how much of A's body may be read.
rows=(
	"N7 short body, with its length|short|short|200000"
	"N8 short body, without a length|short-nolength|short bad_size|200000"
	"N9 one byte too many|long n=1|bad_size|200000"
	"N9 a body without end|endless|bad_size|12000000"
	"N10 Content-Length 2^62|length v=4611686018427387904|bad_size protocol|4000000"
	"N10 Content-Length 2^64+5|length v=18446744073709551621|bad_size protocol|4000000"
	"N10 Content-Length -5|length v=-5|bad_size protocol|4000000"
	"N10 two Content-Lengths|two-lengths|bad_size protocol|4000000"
	"N11 one bit wrong|flip|bad_digest|200000"
	"N11 the first byte wrong|flip at=0|bad_digest|200000"
	"N13 a portal's page|portal|bad_size short|200000"
	"N14 gzip|gzip|bad_size bad_digest protocol|200000"
	"N14 a gzip bomb|bomb|bad_size bad_digest protocol|12000000"
)
for row in "${rows[@]}"; do
	IFS='|' read -r name action blame most <<<"$row"
	fault "$name"
	rules "$A" "objects $action"
	rules "$B"
	client --mirror "$A" --mirror "$B"
	bytes 9000 "${OBJECTS[0]}"
	n=0
	for result in $blame; do
		n=$((n + $(results "$A" "$result")))
	done
	[ "$n" -ge 1 ] || fail "$FAULT: A is not blamed for $blame"
	[ "$(seen "$A" bytes)" -le "$most" ] || fail "$FAULT: $(seen "$A" bytes) bytes were taken from A"
	assert_eq "$(results "$B" ok)" 1 "$FAULT: right answers of B"
	done_with "$FAULT"
done

fault "N7 short body from the only mirror, once"
rules "$A" "objects short first=1"
client --mirror "$A"
bytes 9000 "${OBJECTS[0]}"
done_with "$FAULT"

fault "N11 what a cache between has corrupted is asked for anew, past the cache"
rules "$A" "objects flip first=1"
client --mirror "$A"
bytes 9000 "${OBJECTS[0]}"
assert_eq "$(results "$A" bad_digest)" 1 "$FAULT: wrong answers"
done_with "$FAULT"

fault "N12 both mirrors wrong, soft"
rules "$A" "objects flip"
rules "$B" "objects flip"
client --mirror "$A" --mirror "$B" --soft --deadline=8
no_bytes EIO 0 15000 "${OBJECTS[0]}"
[ ! -e "$STORE/objects/${OBJECTS[0]}" ] || fail "$FAULT: it is in the store"
hex=${OBJECTS[0]/\//}
for url in "$A" "$B"; do
	grep -F "$hex" "$FETCH_LOG" | grep -qF "$url" || {
		cat "$FETCH_LOG" >&2
		fail "$FAULT: the log does not name $url and the object"
	}
done
# The error is not remembered after its cause is gone.
rules "$A"
rules "$B"
bytes 9000 "${OBJECTS[0]}"
done_with "$FAULT"

fault "N12 both mirrors wrong, hard: waits, and goes on when one is right again"
rules "$A" "objects flip"
rules "$B" "objects flip"
client --mirror "$A" --mirror "$B" --hard
fault_client read "$MNT" "$WORK/origin" 100000 "${OBJECTS[0]}" &
reader=$!
cat "$MNT/${OBJECTS[0]}" >/dev/null &
victim=$!
both_asked() { [ "$(results "$A" bad_digest)" -ge 2 ] && [ "$(results "$B" bad_digest)" -ge 2 ]; }
wait_for 30 both_asked
kill -0 "$reader" || fail "$FAULT: the reader did not wait"
kill -KILL "$victim"
status=0
wait "$victim" 2>/dev/null || status=$?
assert_eq "$status" 137 "$FAULT: status of a reader that was killed"
[ "$(seen "$A" gets)" -le 20 ] || fail "$FAULT: $(seen "$A" gets) GETs are hammering"
rules "$A"
rules "$B"
wait "$reader" || fail "$FAULT: the reader did not get its bytes"
done_with "$FAULT"
