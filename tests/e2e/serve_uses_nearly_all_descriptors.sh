#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The soft limit of open files is raised to the hard one, nearly all of that becomes
# connections, what follows from a low one is said, and all of them can be used.
. "${0%/*}/lib.sh"
. "${0%/*}/serve_lib.sh"

ulimit -Sn 200
ulimit -Hn 400
for io in auto epoll; do
	start_serve "$STORE" --unsealed --io=$io --workers=2
	wait_for 10 grep -q event=start "$SERVE_LOG"
	max=$(sed -n 's/.*event=start .*max-connections=\([0-9]*\).*/\1/p' "$SERVE_LOG")
	[ "$max" -ge 280 ] || fail "of 400 descriptors only $max are for connections"
	assert_in "event=few-descriptors limit=400 max-connections=$max" "$SERVE_LOG"
	python3 - "$E2E" "$SERVE_PORT" "$max" <<-'END'
		import sys
		sys.path.insert(0, sys.argv[1])
		from serve_http import Connection, content, equal, url
		import resource
		resource.setrlimit(resource.RLIMIT_NOFILE, (400, 400))
		conns = [Connection(int(sys.argv[2])) for _ in range(int(sys.argv[3]))]
		for i, conn in enumerate(conns):
		    name = "large" if i % 20 == 0 else "small"
		    equal(conn.get(url(name)).response()[2], content(name), f"connection {i}")
		for i, conn in enumerate(conns):
		    equal(conn.get("/healthz").response()[0], 200, f"connection {i}, again")
	END
	stop_bg "$SERVE_PID"
done
