#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# also: address
#
# On SIGTERM nothing new is accepted, idle clients are closed, and a transfer under way is
# finished; one that does not end within --grace is cut, and so is all at a second signal.
. "${0%/*}/lib.sh"
. "${0%/*}/serve_lib.sh"

begin() { # begin: a transfer that stands still until $WORK/go appears; sets CLIENT
	rm -f "$WORK/ready" "$WORK/go"
	serve_http begin_and_wait "$SERVE_PORT" "$STORE" "$WORK/ready" "$WORK/go" &
	CLIENT=$!
	wait_for 10 test -e "$WORK/ready"
}
refused() { ! (: <"/dev/tcp/127.0.0.1/$SERVE_PORT") 2>/dev/null; }
gone() { ! kill -0 "$1" 2>/dev/null; }

for io in auto epoll; do
	start_serve "$STORE" --unsealed --io=$io --cache=0 --grace=20
	exec 9<>"/dev/tcp/127.0.0.1/$SERVE_PORT"	# an idle client
	begin
	kill -TERM "$SERVE_PID"
	wait_for 5 refused
	assert_eq "$(timeout 5 cat <&9)" "" "said to an idle client"
	exec 9<&-
	kill -0 "$SERVE_PID" || fail "gone in the middle of a transfer ($io)"
	touch "$WORK/go"
	wait "$CLIENT" || fail "the transfer was not finished ($io)"
	wait "$SERVE_PID" || fail "exit status $? ($io)"

	start_serve "$STORE" --unsealed --io=$io --cache=0 --grace=1
	begin
	kill -TERM "$SERVE_PID"
	wait_for 4 gone "$SERVE_PID"
	wait "$SERVE_PID" || fail "exit status $? after the grace ($io)"
	touch "$WORK/go"
	if wait "$CLIENT"; then fail "a transfer outlived the server ($io)"; fi

	start_serve "$STORE" --unsealed --io=$io --cache=0 --grace=60
	begin
	kill -TERM "$SERVE_PID"
	wait_for 5 refused
	kill -TERM "$SERVE_PID"
	wait_for 4 gone "$SERVE_PID"
	touch "$WORK/go"
	wait "$CLIENT" || true
done
