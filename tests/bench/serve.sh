#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# serve.sh [ROUNDS [SECONDS]]: cfs-serve against nginx, side by side: one worker each on one
# processor, wrk on another, keep-alive.  Prints for each workload the median requests a
# second, the median processor time a request, and the ratios to nginx; above 1 cfs-serve
# is better.  The second says more on a busy machine.  Needs nginx, wrk and two processors.
set -eEuo pipefail
rounds=${1:-5} seconds=${2:-4}
top=$(cd "$(dirname "$0")/../.." && pwd)
export PATH="${CFS_BUILD:-$top/build}/server:/usr/sbin:/usr/bin:/sbin:/bin"
work=$(mktemp -d "${TMPDIR:-/tmp}/cfs-bench.XXXXXX")
pids=()
finish() {
	[ "${#pids[@]}" -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
	wait
	rm -rf "$work"
}
trap finish EXIT
# The limit keeps nginx's open_file_cache from failing.
ulimit -n "$(ulimit -Hn)"
files=$(($(ulimit -n) > 24000 ? 10000 : $(ulimit -n) / 3))

python3 - "$work" "$files" <<'END'
import hashlib, os, random, sys
work, count = sys.argv[1], int(sys.argv[2])
for kind, n, size in (("many", count, 4096), ("few", 100, 4096), ("large", 32, 1 << 20)):
    with open(f"{work}/{kind}", "w") as urls:
        for i in range(n):
            h = hashlib.sha256(f"{kind} {i}".encode()).hexdigest()
            os.makedirs(f"{work}/store/objects/{h[:2]}", exist_ok=True)
            with open(f"{work}/store/objects/{h[:2]}/{h[2:]}", "wb") as f:
                f.write(random.randbytes(size))
            urls.write(f"/objects/{h[:2]}/{h[2:]}\n")
os.makedirs(f"{work}/store/images")
END
chmod -R a+rX "$work"
cat >"$work/urls.lua" <<'END'
local requests, i = {}, 0
function init(args)
	for line in io.lines(args[1]) do requests[#requests + 1] = wrk.format("GET", line) end
end
function request()
	i = i % #requests + 1
	return requests[i]
end
END

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
nginx_port=$(free_port) serve_port=$(free_port)
cat >"$work/nginx.conf" <<END
daemon off; worker_processes 1; pid $work/nginx.pid; error_log $work/nginx.err;
worker_rlimit_nofile $(ulimit -n);
events { worker_connections 1024; }
http {
	access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
	open_file_cache max=$((files + 1000)) inactive=1h; open_file_cache_valid 1h;
	open_file_cache_min_uses 1; default_type application/octet-stream;
	server { listen 127.0.0.1:$nginx_port reuseport; root $work/store; }
}
END
taskset -c 0 nginx -c "$work/nginx.conf" -e "$work/nginx.err" &
pids+=($!)
taskset -c 0 cfs-serve --listen="127.0.0.1:$serve_port" --workers=1 --unsealed "$work/store" 2>"$work/serve.log" &
pids+=($!)
serve_pid=$!
until [ -s "$work/nginx.pid" ] && grep -q event=start "$work/serve.log"; do sleep 0.1; done
sleep 0.5
nginx_pid=$(pgrep -P "$(cat "$work/nginx.pid")")

ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
# measure PID PORT URLS: "requests/s microseconds/request"
measure() {
	local before after out

	before=$(ticks "$1")
	out=$(taskset -c 1 wrk -t1 -c64 -d"${seconds}s" -s "$work/urls.lua" "http://127.0.0.1:$2" -- "$3")
	after=$(ticks "$1")
	if grep -q 'Non-2xx' <<<"$out"; then
		echo "wrong answers from port $2: $out" >&2
		return 1
	fi
	awk -v t=$((after - before)) '/requests in/ { n = $1 } /^Requests\/sec:/ { r = $2 }
		END { printf "%.0f %.2f\n", r, t * 10000 / n }' <<<"$out"
}
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

printf '%-7s %12s %12s %7s %12s %12s %7s\n' objects nginx/s cfs-serve/s ratio nginx-us cfs-serve-us ratio
for kind in many few large; do
	measure "$nginx_pid" "$nginx_port" "$work/$kind" >/dev/null
	measure "$serve_pid" "$serve_port" "$work/$kind" >/dev/null
	for _ in $(seq "$rounds"); do
		measure "$nginx_pid" "$nginx_port" "$work/$kind" >>"$work/nginx.$kind"
		measure "$serve_pid" "$serve_port" "$work/$kind" >>"$work/serve.$kind"
	done
	nr=$(cut -d' ' -f1 "$work/nginx.$kind" | median) sr=$(cut -d' ' -f1 "$work/serve.$kind" | median)
	nu=$(cut -d' ' -f2 "$work/nginx.$kind" | median) su=$(cut -d' ' -f2 "$work/serve.$kind" | median)
	awk -v k=$kind -v nr="$nr" -v sr="$sr" -v nu="$nu" -v su="$su" 'BEGIN {
		printf "%-7s %12d %12d %7.2f %12.2f %12.2f %7.2f\n", k, nr, sr, sr / nr, nu, su, nu / su }'
done
