# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034  # what it sets is for the script
#
# Sourced by replay.sh and cold_start.sh after lib.sh and lazy.sh: an origin with a tree,
# the list of files that a start reads, and links of given length and width.

# shellcheck source=tests/bench/fresh_lib.sh
. "$CFS_TOP/tests/bench/fresh_lib.sh"
need_root
need_fuse
need_fs erofs
need_fs overlay
need_cmd curl
need_prog cfs-fetch cfs-serve mkcomposefs cfs-store composefs-info
export PATH=$CFS_BUILD/tests/bench:$CFS_BUILD/tests:$PATH
rtts=${RTTS:-0 10 20 50}
rate=${RATE:-125}

# start_origin TREE: $ORIGIN, its mirror, and $WORK/trace: the files of $TRACE; or some
# $FILES (2,000) with $BYTES (130 MB) at most, as a start reads them: four fifths of the
# bytes are programs and libraries, the largest files below 1 MB, the rest every
# so many-th small file; in the order of their names' hashes, which is none.
start_origin() {
	ORIGIN=$WORK/origin
	make_store "$ORIGIN" "$1" tree
	start_mirror
	if [ -n "${TRACE:-}" ]; then
		cp "$TRACE" "$WORK/trace"
		return
	fi
	(cd "$1" && find . -type f -size +64c -printf '%s %P\n') | sort -rn |
		awk -v files="${FILES:-2000}" -v most="${BYTES:-130000000}" '
			{ size[NR] = $1; sub(/^[0-9]+ /, ""); name[NR] = $0 }
			function take(i) { sum += size[i]; n++; print name[i] }
			END {
				for (i = 1; i <= NR && sum < most * 0.8; i++)
					if (size[i] < 1e6)
						take(i)
				step = (NR - i) / (files - n)
				for (at = i; at <= NR; at += step > 1 ? step : 1)
					if (sum + size[int(at)] < most)
						take(int(at))
			}' |
		while read -r name; do
			echo "$(cksum <<<"$name" | cut -d ' ' -f 1) $name"
		done | sort -n | cut -d ' ' -f 2- >"$WORK/trace"
}

# fresh_store: sets $STORE, an empty store with the image in a fresh directory.
fresh_store() {
	fresh_dir
	STORE=$DIR/store
	new_store "$STORE"
	sync -f "$WORK"
}

# record_start: $WORK/record is the record of reading the trace in order.
record_start() {
	fresh_store
	start_fetch "$STORE" "$WORK/objects" --mirror "$SERVE_URL" \
		--record "$WORK/record" --no-prefetch
	mount_lazily "$STORE"
	read_trace 1
	end_fetch
	grep -v '^#' "$WORK/record" >"$WORK/profile"
	objects=$(wc -l <"$WORK/profile")
	bytes=$(awk '$1 == "#=" { sum += $6 } END { print sum }' "$WORK/record")
	while read -r digest; do
		cat "$ORIGIN/objects/$(object_path "$digest")"
	done <"$WORK/profile" >"$WORK/stream"
}

# read_trace READERS: read the files of the trace in its order, each reader the next one.
read_trace() { (cd "$WORK/mnt" && fsload -j "$1" read <"$WORK/trace" >/dev/null); }

end_fetch() {
	assert_eq "$(counter requests failed)" 0 "failed requests"
	umount "$WORK/mnt" "$WORK/mnt.erofs"
	stop_bg "$FETCH_PID"
}

# note_cost NAME: the fetcher, which is still there, costs so much.
note_cost() {
	awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) / hz }' "/proc/$FETCH_PID/stat" \
		>>"$WORK/cpu.$1"
	awk '$1 == "VmHWM:" { print $2 }' "/proc/$FETCH_PID/status" >>"$WORK/peak.$1"
}

# cost NAME: two cells: its processor seconds for a GB, the MiB it held; medians.
cost() {
	awk -v cpu="$(median <"$WORK/cpu.$1")" -v peak="$(median <"$WORK/peak.$1")" -v bytes="$bytes" \
		'BEGIN { printf "%10.2f %6.1f", cpu / bytes * 1e9, peak / 1024 }'
}

# start_link PORT RTT_MS: sets LINK_PORT and LINK_PID; all that goes through it shares
# $RATE MB/s (125).
start_link() {
	LINK_PORT=$(free_port)
	start_bg "$WORK/link.log" delay_proxy "$LINK_PORT" "$1" "$2" "$rate"
	LINK_PID=$BG_PID
	wait_port "$LINK_PORT"
	export LINK_PORT LINK_PID
}

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
