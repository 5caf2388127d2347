#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# seed.sh TREE [RUNS]: cfs-seed of an image of TREE into an empty store, from cfs-serve and
# from nginx, on loopback and through a link of RTT (20) ms, each beside `curl --parallel
# --parallel-max 64` that fetches the same list to the same disk and flushes it.  Medians of
# interleaved runs, and the ratio of the speeds (target: at least 0.9).  curl does not check
# what it gets, and gives names before the flush.  Where the store is on a file system with
# fs-verity, curl's files are sealed by `fsverity enable`, a process each, on all processors.
. "${0%/*}/../e2e/lib.sh"
# shellcheck source=tests/e2e/lazy.sh
. "$E2E/lazy.sh"
# shellcheck source=tests/bench/fresh_lib.sh
. "$CFS_TOP/tests/bench/fresh_lib.sh"
need_cmd curl nginx
need_prog cfs-seed cfs-serve mkcomposefs composefs-info
[ $# -ge 1 ] || { echo "usage: ${0##*/} TREE [RUNS]" >&2; exit 2; }
runs=${2:-3}
rtt=${RTT:-20}
PATH=$CFS_BUILD/tests/bench:$PATH

ORIGIN=$WORK/origin
make_store "$ORIGIN" "$1" tree
composefs-info objects "$ORIGIN/images/tree" | sort -u >"$WORK/names"
chmod -R a+rX "$WORK"
seal=
has_verity "$WORK" && seal=1
echo "$(wc -l <"$WORK/names") objects, $(du -sb "$ORIGIN/objects" | cut -f1) bytes, fs-verity: ${seal:-0}"

start_serve "$ORIGIN"
serve_port=$SERVE_PORT
nginx_port=$(free_port)
cat >"$WORK/nginx.conf" <<END
daemon off; worker_processes 1; pid $WORK/nginx.pid; error_log $WORK/nginx.err;
events { worker_connections 1024; }
http {
	access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
	default_type application/octet-stream;
	server { listen 127.0.0.1:$nginx_port; root $ORIGIN; }
}
END
start_bg "$WORK/nginx.log" nginx -c "$WORK/nginx.conf" -e "$WORK/nginx.err"
wait_port "$nginx_port"

# far PORT: sets FAR_PORT, where the same is to be had through the link.
far() {
	FAR_PORT=$(free_port)
	start_bg "$WORK/proxy.$FAR_PORT" delay_proxy "$FAR_PORT" "$1" "$rtt"
	wait_port "$FAR_PORT"
}

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

with_curl() { # LABEL PORT
	fresh_curl "http://127.0.0.1:$2"
	sync -f "$WORK"
	start=$(now_ms)
	curl -sS --no-progress-meter \
		--parallel --parallel-max 64 --create-dirs \
		-K "$WORK/curl.conf" 2>"$WORK/curl.log" || fail "curl: $(tail -n 3 "$WORK/curl.log")"
	if [ -n "$seal" ]; then
		find "$DIR" -type f -print0 | xargs -0 -n 1 -P "$(nproc)" fsverity enable
	fi
	sync -f "$WORK"
	echo $(($(now_ms) - start)) >>"$WORK/curl.$1"
	assert_eq "$(find "$DIR" -type f | wc -l)" "$(wc -l <"$WORK/names")" "files of curl"
}

with_seed() { # LABEL PORT
	fresh_dir
	sync -f "$WORK"
	start=$(now_ms)
	cfs-seed --store="$DIR/store" --mirror="http://127.0.0.1:$2" --quiet "$IMAGE_DIGEST"
	echo $(($(now_ms) - start)) >>"$WORK/seed.$1"
}

compare() { # LABEL PORT
	local curl_ms seed_ms

	for _ in $(seq "$runs"); do
		with_curl "$1" "$2"
		with_seed "$1" "$2"
	done
	curl_ms=$(median <"$WORK/curl.$1")
	seed_ms=$(median <"$WORK/seed.$1")
	printf '%-18s curl %6d ms (%s), cfs-seed %6d ms (%s): ' "$1" \
		"$curl_ms" "$(paste -sd' ' "$WORK/curl.$1")" \
		"$seed_ms" "$(paste -sd' ' "$WORK/seed.$1")"
	awk -v c="$curl_ms" -v s="$seed_ms" 'BEGIN { printf "%.2f x\n", c / s }'
}

compare cfs-serve "$serve_port"
compare nginx "$nginx_port"
far "$serve_port"
compare "cfs-serve-${rtt}ms" "$FAR_PORT"
far "$nginx_port"
compare "nginx-${rtt}ms" "$FAR_PORT"
