#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Clients that close or reset in the middle of a transfer leave nothing behind: no
# connection, no descriptor.
. "${0%/*}/lib.sh"
. "${0%/*}/serve_lib.sh"

for io in auto epoll; do
	start_serve "$STORE" --unsealed --io=$io --cache=0
	sockets() { find "/proc/$SERVE_PID/fd" -lname 'socket:*' | wc -l; }
	files() { find "/proc/$SERVE_PID/fd" -lname "$STORE/objects/*/*" | wc -l; }
	workers=$(($(find "/proc/$SERVE_PID/task" -mindepth 1 -maxdepth 1 | wc -l) - 1))
	nobody_is_connected() { [ "$(sockets)" = "$workers" ]; }
	wait_for 5 nobody_is_connected
	serve_http aborted_transfers "$SERVE_PORT" "$STORE"
	wait_for 10 nobody_is_connected
	# Each worker may keep the one object open, once.
	[ "$(files)" -le "$workers" ] || fail "$(files) files are open ($io)"
	stop_bg "$SERVE_PID"
done
