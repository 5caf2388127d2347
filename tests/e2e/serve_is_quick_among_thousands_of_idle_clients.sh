#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# also: address
#
# 2,500 connections, half of them with half a request, neither slow down another client
# nor cost much memory each, and all are answered in the end.
. "${0%/*}/lib.sh"
. "${0%/*}/serve_lib.sh"
[ "$(ulimit -Hn)" -ge 12000 ] || skip "the limit of open files is $(ulimit -Hn)"

for io in auto epoll; do
	start_serve "$STORE" --unsealed --io=$io --max-per-client=3000
	serve_http idle_crowd "$SERVE_PORT" "$STORE" 2500
	stop_bg "$SERVE_PID"
done
