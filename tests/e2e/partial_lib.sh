# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Sourced after lazy.sh: a tree with one big file, whose mirror has trees.

BIG_MIB=24

# make_big_origin: $WORK/tree with the file "big" becomes $ORIGIN; sets BIG_PATH, where
# the object lies below objects/.
make_big_origin() {
	mkdir "$WORK/tree"
	head -c $((BIG_MIB << 20)) /dev/urandom >"$WORK/tree/big"
	echo 12345 >>"$WORK/tree/big"
	echo small >"$WORK/tree/small"
	make_origin
	BIG_PATH=$(path_of big)
	cfs-store trees "$ORIGIN" >/dev/null
	export BIG_PATH
}

# same_part FILE OFFSET LENGTH: do tree and mount have the same bytes there?
same_part() {
	cmp -n "$3" --ignore-initial="$2" "$WORK/tree/$1" "$WORK/mnt/$1"
}

# partial_size STORE: bytes on disk of the big object's part.
partial_size() {
	du -B1 "$1/partial/$(tr -d / <<<"$BIG_PATH").data" | cut -f1
}

# sent_bytes: bytes of bodies that the mirror has sent, as its access log says.
sent_bytes() { check sent "$SERVE_ACCESS"; }

# nobody_has_part: the fetcher of the last mount has let go of the big object's part.
nobody_has_part() {
	flock --nonblock "$WORK/store/partial/$(tr -d / <<<"$BIG_PATH").tree" true
}

# start_serve_again: the mirror, where it was.
start_serve_again() {
	start_bg "$SERVE_LOG" cfs-serve --listen "127.0.0.1:$SERVE_PORT" \
		--access-log="$SERVE_ACCESS" "$ORIGIN"
	SERVE_PID=$BG_PID
	wait_port "$SERVE_PORT"
	export SERVE_PID
}

# For wait_for: reads have begun to wait since; a child of ours has ended.
more_waits() { [ "$(counter parts waits)" -gt "$1" ]; }
is_gone() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status"; }
