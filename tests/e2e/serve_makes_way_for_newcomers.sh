#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# also: address
#
# When all places are taken, connections that only wait give way, those of the peer that
# has most of them first; those that make progress stay.  /metrics and /healthz answer
# whatever the crowd does, and a client that resets at once is logged by its address.
. "${0%/*}/lib.sh"
. "${0%/*}/serve_lib.sh"

max=40
python3 "$E2E/serve_crowd.py" make 0 0 "$STORE" 0
for server in "auto 1" "auto 2" "epoll 1" "epoll 2"; do
	read -r io WORKERS <<<"$server"
	export WORKERS
	port=$(free_port)
	start_serve "$STORE" --unsealed --io="$io" --workers="$WORKERS" --max-connections=$max --metrics="127.0.0.1:$port"
	wait_port "$port"
	for what in waiting monitors busy unfair reset; do
		python3 "$E2E/serve_crowd.py" $what "$SERVE_PORT" "$port" "$STORE" $max
	done
	[ "$(metric "$port" cfs_serve_gave_way_total)" -gt $max ] || fail "none was counted that gave way"
	[ "$(metric "$port" 'cfs_serve_refused_total{limit="total"}')" -ge 1 ] || fail "the refusal was not counted"
	stop_bg "$SERVE_PID"
	assert_in "peer=127.9.9.9" "$SERVE_ACCESS"
	assert_eq "$(grep -c peer=local "$SERVE_ACCESS" || true)" 0 "clients without an address"
done
