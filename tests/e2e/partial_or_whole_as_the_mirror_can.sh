#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a mirror lacks is done without: a big object of one without trees is fetched in
# parts and read when it is whole; of one that can't send parts, in one stream; of one that
# has trees, but none of this object, like the first.  --partial-reads changes nothing then.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
. "$E2E/partial_lib.sh"
need_root
need_fuse
need_fs erofs
need_fs overlay

make_big_origin
rm -f "$ORIGIN/mirror"

# read_from MIRROR-URL STORE: the whole, through a mount.
read_from() {
	new_store "$WORK/$2"
	start_fetch "$WORK/$2" "$WORK/objects" --partial-reads --mirror "$1"
	mount_lazily "$WORK/$2"
	same_part big 13000000 4096
	[ -e "$WORK/$2/objects/$BIG_PATH" ] || fail "$2: read before it was whole"
	cmp "$WORK/tree/big" "$WORK/mnt/big"
	cmp "$WORK/tree/big" "$WORK/$2/objects/$BIG_PATH"
	umount "$WORK/mnt" "$WORK/mnt.erofs"
	stop_bg "$FETCH_PID"
}

mv "$ORIGIN/verity" "$WORK/verity"
start_mirror
read_from "$SERVE_URL" without-trees
# gets_of MORE-THAN TEXT: the mirror saw such GETs; its access log comes a little late.
gets_of() { [ "$(check gets "$SERVE_ACCESS" "$2")" -gt "$1" ]; }
wait_for 10 gets_of 1 "$BIG_PATH"
assert_eq "$(check gets "$SERVE_ACCESS" /verity/)" 0 "GETs of trees"

mkdir -p "$ORIGIN/verity/00"
read_from "$SERVE_URL" without-this-tree
wait_for 10 gets_of 0 /verity/

# Python's server does not know Range.
port=$(free_port)
printf 'composefs-mirror 1\nverity\n' >"$ORIGIN/mirror"
start_bg "$WORK/plain.log" python3 -m http.server --bind 127.0.0.1 --directory "$ORIGIN" "$port"
wait_port "$port"
read_from "http://127.0.0.1:$port" without-parts
