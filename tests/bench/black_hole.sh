#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# black_hole.sh: three mirrors, each behind a link of $RTT (20) ms; eight readers open objects
# that are not there yet, $RATE (100) a second in all, for 24 seconds; after eight of them the
# first mirror turns into a black hole: it takes connections and bytes, and says nothing.
# Prints how long the opens took before that, in the second after it, and from then on; and the
# same with --no-hedge, $RUNS (3) times in turn.
. "${0%/*}/../e2e/lib.sh"
# shellcheck source=tests/e2e/lazy.sh
. "$E2E/lazy.sh"
# shellcheck source=tests/bench/fresh_lib.sh
. "$CFS_TOP/tests/bench/fresh_lib.sh"
need_root
need_fuse
need_prog cfs-fetch cfs-serve mkcomposefs cfs-store
export PATH=$CFS_BUILD/tests/bench:$PATH
rate=${RATE:-100}
count=$((rate * 24))

mkdir "$WORK/tree"
python3 - "$WORK/tree" "$count" <<'END'
import random, sys
random.seed(3)
for i in range(int(sys.argv[2])):
    open(f"{sys.argv[1]}/{i}", "wb").write(random.randbytes(8000 + i % 500))
END
ORIGIN=$WORK/origin
make_store "$ORIGIN" "$WORK/tree" tree
(cd "$ORIGIN/objects" && find . -type f -size -10k -printf '%P\n' | sort) >"$WORK/objects"
start_serve "$ORIGIN" --unsealed

# read_all PID: open and read each object at its time; stop the process PID meanwhile.
read_all() {
	python3 - "$WORK/cfs" "$WORK/objects" "$rate" "$1" <<'END'
import os, queue, signal, sys, threading, time
mount, names, rate, pid = sys.argv[1], open(sys.argv[2]).read().split(), int(sys.argv[3]), int(sys.argv[4])
todo, took = queue.Queue(), []
start = time.monotonic()
def reader():
    while (item := todo.get()) is not None:
        at, name = item
        time.sleep(max(0, start + at - time.monotonic()))
        begin = time.monotonic()
        with open(f"{mount}/{name}", "rb") as f:
            f.read()
        took.append((at, time.monotonic() - begin))
for i, name in enumerate(names):
    todo.put((i / rate, name))
threads = [threading.Thread(target=reader) for _ in range(8)]
for t in threads:
    todo.put(None)
for t in threads:
    t.start()
time.sleep(max(0, start + 8 - time.monotonic()))
os.kill(pid, signal.SIGSTOP)
for t in threads:
    t.join()
def percentiles(low, high):
    ms = sorted(1000 * t for at, t in took if low <= at < high)
    return "  ".join(f"{ms[min(len(ms) - 1, int(len(ms) * p))]:8.1f}" for p in (0.5, 0.99, 1))
print(percentiles(0, 8), "|", percentiles(8, 9), "|", percentiles(9, 1e9))
END
}

printf '%-10s %28s | %28s | %28s\n' "" "before: p50, p99, max (ms)" "the second after" "from then on"
for _ in $(seq "${RUNS:-3}"); do
	for option in "" --no-hedge; do
		links=()
		urls=()
		for _ in 1 2 3; do
			port=$(free_port)
			start_bg "$WORK/link.$port.log" delay_proxy "$port" "$SERVE_PORT" "${RTT:-20}" 125
			links+=("$BG_PID")
			urls+=(--mirror "http://127.0.0.1:$port")
			wait_port "$port"
		done
		fresh_dir
		new_store "$DIR/store"
		# shellcheck disable=SC2086  # none or one
		start_fetch "$DIR/store" "$WORK/cfs" "${urls[@]}" --no-prefetch $option
		printf '%-10s %s\n' "${option:-hedged}" "$(read_all "${links[0]}")"
		umount "$WORK/cfs"
		stop_bg "$FETCH_PID"
		for link in "${links[@]}"; do
			kill -CONT "$link" 2>/dev/null || true
			stop_bg "$link"
		done
	done
done
