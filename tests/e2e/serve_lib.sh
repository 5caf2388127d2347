# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Sourced after lib.sh by the cases of cfs-serve.

need_prog cfs-serve

STORE=$WORK/store
serve_http() { python3 "$E2E/serve_http.py" "$@"; }
serve_http make "$STORE"

# on_each_engine CHECK [OPTION...]: the check of serve_http.py, on both engines.  The
# store's objects were made by hand, so none is sealed.
on_each_engine() {
	local check=$1 io

	shift
	for io in auto epoll; do
		start_serve "$STORE" --unsealed --io=$io "$@"
		serve_http "$check" "$SERVE_PORT" "$STORE"
		kill -0 "$SERVE_PID" || fail "the server died ($io)"
		stop_bg "$SERVE_PID"
	done
}

# metric PORT LINE: the number on the line of /metrics that begins with LINE.
metric() { curl -sf "http://127.0.0.1:$1/metrics" | awk -v k="$2" '$1 == k { print $2 }'; }
