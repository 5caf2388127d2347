# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Sourced after lib.sh: an origin with a small tree, its mirror, and a store that has
# nothing but the image.

# make_origin: $WORK/tree becomes $ORIGIN with the image "tree"; sets IMAGE_DIGEST.
make_origin() {
	ORIGIN=$WORK/origin
	[ -e "$WORK/tree" ] || make_tree "$WORK/tree"
	make_store "$ORIGIN" "$WORK/tree" tree
}

# new_store DIR: an empty store with the image.
new_store() {
	mkdir -p "$1/objects" "$1/images"
	cfs-store import "$1" "$ORIGIN/images/tree" tree >/dev/null
}

# start_mirror: serve the origin; sets what start_serve sets.
start_mirror() { start_serve "$ORIGIN"; }

# silent_mirror: one that accepts connections and never says a word; sets SILENT_URL.
silent_mirror() {
	local port

	port=$(free_port)
	start_bg "$WORK/silent.log" python3 -c '
import signal, socket, sys
s = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=1024)
signal.pause()' "$port"
	wait_port "$port"
	SILENT_URL=http://127.0.0.1:$port
	export SILENT_URL
}

# dead_url: where nobody listens.
dead_url() { echo "http://127.0.0.1:$(free_port)"; }

# path_of FILE: the place below objects/ of the object of a file of the tree.
path_of() { object_path "$(composefs-info measure-file "$WORK/tree/$1")"; }

# mount_lazily STORE: the image over STORE and the fetcher at $WORK/objects, at $WORK/mnt.
mount_lazily() { mount_by_hand "$1/images/tree" "$WORK/mnt" "$1/objects" "$WORK/objects/retry"; }

# counter KEY...: a number of the status of the fetcher, such as `counter requests misses`.
counter() {
	cfs-fetch --status "$WORK/objects" --json |
		python3 -c '
import json, sys
value = json.load(sys.stdin)
for key in sys.argv[1:]:
    value = value[int(key) if isinstance(value, list) else key]
print(value)' "$@"
}

# counter_is NUMBER KEY...: for wait_for.
counter_is() {
	local want=$1

	shift
	[ "$(counter "$@")" = "$want" ]
}

# assert_gets N: the mirror saw N GETs of objects.  Its access log comes a little late.
assert_gets() {
	local n=0

	while [ "$(check gets "$SERVE_ACCESS")" -lt "$1" ] && [ "$n" -lt 100 ]; do
		sleep 0.05
		n=$((n + 1))
	done
	assert_eq "$(check gets "$SERVE_ACCESS")" "$1" "GETs that the mirror saw"
}

# milliseconds since some time
now_ms() { echo $(($(date +%s%N) / 1000000)); }
