#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# also: address
#
# One line a request with what was sent; SIGHUP makes it go on in a new file, which is
# what log rotation needs.
. "${0%/*}/lib.sh"
. "${0%/*}/serve_lib.sh"

url=$(serve_http url small)
start_serve "$STORE" --unsealed
log=$SERVE_ACCESS
curl -sf -o /dev/null "$SERVE_URL$url" -o /dev/null "$SERVE_URL$url"
curl -sf -o /dev/null -I "$SERVE_URL$url"
curl -sf -o /dev/null -r 0-9 "$SERVE_URL$url"
curl -s -o /dev/null "$SERVE_URL/none%0astatus=200"
has_lines() { [ "$(wc -l <"$log")" -ge "$1" ]; }
wait_for 5 has_lines 5
assert_in 'path=/none%250astatus%3d200 status=404 bytes=9 ms=' "$log"
assert_eq "$(grep -c "peer=127.0.0.1 method=GET path=$url status=200 bytes=4096 ms=" "$log")" 2 "GETs"
assert_eq "$(grep -c "method=HEAD path=$url status=200 bytes=0 " "$log")" 1 "HEADs"
assert_eq "$(grep -c "method=GET path=$url status=206 bytes=10 " "$log")" 1 "ranges"
assert_eq "$(wc -l <"$log")" 5 "lines"

mv "$log" "$log.1"
kill -HUP "$SERVE_PID"
wait_for 5 test -e "$log"
curl -sf -o /dev/null "$SERVE_URL$url"
wait_for 5 grep -q "path=$url status=200" "$log"
assert_eq "$(wc -l <"$log.1")" 5 "lines of the old log"
