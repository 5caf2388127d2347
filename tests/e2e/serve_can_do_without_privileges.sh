#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Started as root with --user, it serves a private store as a user who could not open it,
# with no capability left.
. "${0%/*}/lib.sh"
. "${0%/*}/serve_lib.sh"
need_root

chmod 0700 "$STORE"
for io in auto epoll; do
	start_serve "$STORE" --unsealed --io=$io --user=nobody
	curl -sf "$SERVE_URL$(serve_http url large)" | cmp - "$STORE$(serve_http url large)"
	curl -sf "$SERVE_URL/images/os" | cmp - "$STORE$(serve_http url small)"
	for task in "/proc/$SERVE_PID"/task/*; do
		assert_eq "$(awk '$1 == "Uid:" { print $2 $3 $4 $5 }' "$task/status")" \
			"$(id -u nobody)$(id -u nobody)$(id -u nobody)$(id -u nobody)" "uid of $task"
		assert_eq "$(awk '$1 == "CapPrm:" { print $2 }' "$task/status")" 0000000000000000 \
			"capabilities of $task"
		assert_eq "$(awk '$1 == "NoNewPrivs:" { print $2 }' "$task/status")" 1 "NoNewPrivs of $task"
	done
	stop_bg "$SERVE_PID"
done
assert_fails cfs-serve --listen="127.0.0.1:$(free_port)" --user=root "$STORE"
assert_fails cfs-serve --listen="127.0.0.1:$(free_port)" --user=no-such-user "$STORE"
