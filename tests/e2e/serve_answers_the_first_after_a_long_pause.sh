#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Whoever comes after a pause that was longer than every time limit is answered: his
# time counts from when he came, in each worker.
. "${0%/*}/lib.sh"
. "${0%/*}/serve_lib.sh"
need_cmd curl

for io in auto epoll; do
	start_serve "$STORE" --unsealed --io=$io --head-timeout=1 --idle-timeout=1
	for pause in 1 2; do
		sleep 2.5
		clients=()
		for i in 1 2 3 4 5 6 7 8; do
			curl -sS --max-time 20 -o /dev/null "http://127.0.0.1:$SERVE_PORT/mirror" \
				2>"$WORK/client.$i" &
			clients+=($!)
		done
		for client in "${clients[@]}"; do
			wait "$client" || fail "$io, pause $pause: $(cat "$WORK"/client.*)"
		done
	done
	stop_bg "$SERVE_PID"
done
