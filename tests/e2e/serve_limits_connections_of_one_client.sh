#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# One address can't take all places: one connection too many is turned away with 503, and
# /metrics, which is to be had on its own socket only, counts it.
. "${0%/*}/lib.sh"
. "${0%/*}/serve_lib.sh"

for io in auto epoll; do
	port=$(free_port)
	start_serve "$STORE" --unsealed --io=$io --max-per-client=5 --metrics="127.0.0.1:$port"
	nobody_connected() { [ "$(metric "$port" cfs_serve_connections)" = 1 ]; }
	wait_for 5 nobody_connected
	serve_http peer_limit "$SERVE_PORT" "$STORE" 5
	[ "$(metric "$port" 'cfs_serve_refused_total{limit="peer"}')" -ge 1 ] ||
		fail "the refusal was not counted"
	status=$(curl -s -o /dev/null -w '%{http_code}' "$SERVE_URL/metrics")
	assert_eq "$status" 404 "/metrics on the public socket"
	status=$(curl -s -o /dev/null -w '%{http_code}' \
		"http://127.0.0.1:$port$(serve_http url small)")
	assert_eq "$status" 404 "an object on the socket for metrics"
	stop_bg "$SERVE_PID"
done
