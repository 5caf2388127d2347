#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# also: address
#
# Clients that close or reset in the middle of a transfer leave nothing behind: no
# connection, no descriptor.
. "${0%/*}/lib.sh"
. "${0%/*}/serve_lib.sh"

for io in auto epoll; do
	start_serve "$STORE" --unsealed --io=$io --cache=0 --workers=2
	sockets() { find "/proc/$SERVE_PID/fd" -lname 'socket:*' | wc -l; }
	files() { find "/proc/$SERVE_PID/fd" -lname "$STORE/objects/*/*" | wc -l; }
	# Each worker has its own socket to accept from.
	nobody_is_connected() { [ "$(sockets)" = 2 ]; }
	wait_for 5 nobody_is_connected
	serve_http aborted_transfers "$SERVE_PORT" "$STORE"
	wait_for 10 nobody_is_connected
	# Each worker may keep the one object open, once.
	[ "$(files)" -le 2 ] || fail "$(files) files are open ($io)"
	stop_bg "$SERVE_PID"
done
