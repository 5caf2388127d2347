#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# partial.sh [MIB]: a big file (500 MiB) read through EROFS, overlayfs and cfs-fetch with
# --partial-reads, over links of $RTTS (0 20 50) ms and $RATE (125) MB/s; $RUNS (3) times,
# medians.
#
#	first	milliseconds for 4 KiB in the middle, the mirror never spoken to
#		before, and how many round trips that is (target: 4)
#	random	bytes sent for 1 % of its blocks, in % of the file (target: 3)
#	in row	MB/s of reading it from start to end, beside curl over the same link
#	whole	MB/s until it is in the store, without --partial-reads, beside curl
#
# The last line is for a server that gives each connection $CONNECTION_RATE (10) MB/s.
. "${0%/*}/../e2e/lib.sh"
# shellcheck source=tests/e2e/lazy.sh
. "$E2E/lazy.sh"
# shellcheck source=tests/bench/start_lib.sh
. "$CFS_TOP/tests/bench/start_lib.sh"
need_cmd nginx

mib=${1:-500}
rtts=${RTTS:-0 20 50}
runs=${RUNS:-3}
limit=${CONNECTION_RATE:-10}

mkdir "$WORK/tree"
head -c $((mib << 20)) /dev/urandom >"$WORK/tree/big"
make_origin
cfs-store trees "$ORIGIN" >/dev/null
path=$(path_of big)
start_mirror
start_nginx "$ORIGIN" "limit_rate ${limit}m;"
cat "$ORIGIN/objects/$path" "$ORIGIN/verity/$path" >/dev/null

# begin [OPTION...]: a fetcher and a mount on an empty store, over the link; the mirror has
# said that it has trees.
begin() {
	local before

	before=$(check gets "$access" /mirror)
	rm -rf "$WORK/store"
	new_store "$WORK/store"
	start_fetch "$WORK/store" "$WORK/objects" --mirror "$url" --no-prefetch "$@"
	mount_lazily "$WORK/store"
	wait_for 10 more_gets "$before"
}
more_gets() { [ "$(check gets "$access" /mirror)" -gt "$1" ]; }

# reads HOW: preads of the mounted file; prints milliseconds.
reads() {
	python3 - "$1" "$WORK/mnt/big" <<'END'
import os, random, sys, time
fd = os.open(sys.argv[2], os.O_RDONLY)
size = os.fstat(fd).st_size
os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
offsets = [size // 2 // 4096 * 4096]
if sys.argv[1] == "random":
    offsets = random.Random(1).sample(range(0, size - 4095, 4096), size // 4096 // 100)
start = time.monotonic()
for offset in offsets:
    if len(os.pread(fd, 4096, offset)) != 4096:
        sys.exit("short read")
print(round((time.monotonic() - start) * 1000))
END
}

# speed COMMAND...: MB/s of something that moves the whole file.
speed() {
	local start

	start=$(now_ms)
	"$@"
	echo $(((mib << 20) / (1000 * ($(now_ms) - start + 1))))
}

# Now and then the proxy closes a new connection: a run that met that is not the median.
curl_it() { curl -fsS --retry 3 --retry-all-errors -o "$WORK/curl" "$url/objects/$path"; }
in_row() { dd if="$WORK/mnt/big" of=/dev/null bs=1M status=none; }
whole() { : <"$WORK/objects/$path"; }

# measure NAME: all of it, over $url.
measure() {
	local before

	for _ in $(seq "$runs"); do
		begin --partial-reads
		reads first >>"$WORK/$1.first"
		end_fetch
		begin --partial-reads
		before=$(counter mirrors 0 bytes)
		reads random >/dev/null
		echo $((($(counter mirrors 0 bytes) - before) * 10000 / (mib << 20))) >>"$WORK/$1.random"
		end_fetch
		speed curl_it >>"$WORK/$1.curl"
		begin --partial-reads
		speed in_row >>"$WORK/$1.row"
		end_fetch
		begin
		speed whole >>"$WORK/$1.whole"
		end_fetch
	done
	printf '%-22s %5s ms %7s %% %7s %7s %7s MB/s\n' "$1" "$(median <"$WORK/$1.first")" \
		"$(median <"$WORK/$1.random" | sed 's/..$/.&/; s/^[.]/0./')" \
		"$(median <"$WORK/$1.row")" "$(median <"$WORK/$1.whole")" "$(median <"$WORK/$1.curl")"
}

echo "$mib MiB; $rate MB/s; medians of $runs"
printf '%-22s %8s %9s %7s %7s %7s\n' link first random "in row" whole curl
access=$SERVE_ACCESS
for rtt in $rtts; do
	start_link "$SERVE_PORT" "$rtt"
	url=http://127.0.0.1:$LINK_PORT
	measure "rtt-$rtt"
	stop_bg "$LINK_PID"
done
url=$NGINX_URL
access=$NGINX_ACCESS
measure limited
