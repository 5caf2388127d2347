#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# cold_start.sh [TREE]: read the trace of a start (start_lib.sh; the Debian root of the
# tests by default) with an empty store through EROFS, overlayfs and cfs-fetch, without
# anything, with a profile and with a pack on the mirror, by 8 and by 1 ($READERS) readers, beside
# one curl stream of the same bytes to a file and, with one reader, curl's GETs of the
# objects one after the other; links of $RTTS (0 10 20 50) ms and $RATE (125) MB/s, each
# $RUNS (3) times in turn.  Milliseconds from the start of cfs-fetch to the last byte
# read, medians, and what they are times the stream.  Targets at 20 and 50 ms:
# with a profile at most 2 times the stream; a miss of one reader costs at most a round trip
# and 1 ms and its bytes over the link.
. "${0%/*}/../e2e/lib.sh"
# shellcheck source=tests/e2e/lazy.sh
. "$E2E/lazy.sh"
# shellcheck source=tests/bench/start_lib.sh
. "$CFS_TOP/tests/bench/start_lib.sh"

crowds=${READERS:-8 1}
start_origin "${1:-$(debian_root)}"
record_start
# The mirror of each column: the same objects, and what it has besides.
plain=$SERVE_PORT
plain_origin=$ORIGIN
mkdir "$WORK/with-profile" "$WORK/with-pack"
for kind in profile pack; do
	cp -al "$plain_origin/objects" "$plain_origin/images" "$WORK/with-$kind/"
	mkdir "$WORK/with-$kind/profiles"
	cp "$WORK/profile" "$WORK/with-$kind/profiles/$IMAGE_DIGEST"
done
cfs-store pack "$WORK/with-pack" tree >/dev/null
start_serve "$WORK/with-profile"
with_profile=$SERVE_PORT
start_serve "$WORK/with-pack"
with_pack=$SERVE_PORT
mkdir "$WORK/www"
ln "$WORK/stream" "$WORK/www/stream"
web=$(free_port)
start_bg "$WORK/web.log" python3 -m http.server --bind 127.0.0.1 --directory "$WORK/www" "$web"
wait_port "$web"

note() { echo $(($(now_ms) - start)) >>"$WORK/ms.$1"; }

with_curl() {
	start_link "$web" "$rtt"
	start=$(now_ms)
	curl -sf -o "$WORK/curl" "http://127.0.0.1:$LINK_PORT/stream"
	note "curl.$rtt"
	stop_bg "$LINK_PID"
	cmp "$WORK/curl" "$WORK/stream"
}

# The same objects by one GET after the other: what one reader can't be quicker than.
one_by_one() {
	start_link "$plain" "$rtt"
	sed "s|^\\(..\\)\\(.*\\)|url = http://127.0.0.1:$LINK_PORT/objects/\\1/\\2\noutput = /dev/null|" \
		"$WORK/profile" >"$WORK/urls"
	start=$(now_ms)
	curl -sf -K "$WORK/urls"
	note "one-by-one.$rtt"
	stop_bg "$LINK_PID"
}

# with_readers COLUMN PORT READERS
with_readers() {
	fresh_store
	start_link "$2" "$rtt"
	start=$(now_ms)
	start_fetch "$STORE" "$WORK/objects" --mirror "http://127.0.0.1:$LINK_PORT"
	mount_lazily "$STORE"
	mounted=$(now_ms)
	read_trace "$3"
	note "$1.$3.$rtt"
	echo $(($(now_ms) - mounted)) >>"$WORK/ms.reading.$1.$3.$rtt"
	counter requests misses >>"$WORK/misses.$1.$3.$rtt"
	note_cost "$1.$3"
	end_fetch
	stop_bg "$LINK_PID"
}

for rtt in $rtts; do
	for _ in $(seq "${RUNS:-3}"); do
		with_curl
		[[ " $crowds " != *" 1 "* ]] || one_by_one
		for readers in $crowds; do
			with_readers plain "$plain" "$readers"
			with_readers profile "$with_profile" "$readers"
			with_readers pack "$with_pack" "$readers"
		done
	done
done

# row TITLE NAME: milliseconds, and times the stream; what it cost.
row() {
	printf '%-36s' "$1"
	for rtt in $rtts; do
		ms=$(median <"$WORK/ms.$2.$rtt")
		curl=$(median <"$WORK/ms.curl.$rtt")
		awk -v ms="$ms" -v curl="$curl" \
			'BEGIN { printf "%8d (%5.2f)", ms, ms / curl }'
	done
	[ ! -e "$WORK/cpu.$2" ] || cost "$2"
	echo
}

echo "$objects objects, $bytes bytes; $rate MB/s; milliseconds (times one stream), medians of ${RUNS:-3}"
printf '%-36s' "round trip"
for rtt in $rtts; do
	printf '%13s ms' "$rtt"
done
echo '  CPU s/GB   MiB'
row "one curl stream of the same bytes" curl
for readers in $crowds; do
	row "nothing known, readers: $readers" "plain.$readers"
	row "profile on the mirror, readers: $readers" "profile.$readers"
	row "pack on the mirror, readers: $readers" "pack.$readers"
done
[[ " $crowds " == *" 1 "* ]] || exit 0
row "curl, one object after the other" one-by-one
# beyond TITLE NAME: milliseconds of one miss, from the mount on, without a round trip and the
# time of its bytes.
beyond() {
	printf '%-36s' "$1"
	for rtt in $rtts; do
		ms=$(median <"$WORK/ms.$2.$rtt")
		awk -v ms="$ms" -v n="$objects" -v rtt="$rtt" -v bytes="$bytes" -v rate="$rate" \
			'BEGIN { printf "%13.2f ms", (ms - bytes / rate / 1000) / n - rtt }'
	done
	echo
}
beyond "a miss of one reader beyond that" reading.plain.1
beyond "curl, beyond that" one-by-one
