#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Of two mirrors the first, a plain web server, has a damaged copy of a big object: its
# good blocks are taken, the damaged one comes from the second, and the object that is put
# together has its digest.  The same with a damaged tree.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
. "$E2E/partial_lib.sh"
need_root
need_fuse
need_fs erofs
need_fs overlay
need_cmd nginx

make_big_origin
start_mirror

# damage FILE OFFSET: another byte than before.
damage() {
	local old

	old=$(od -An -tu1 -j "$2" -N 1 "$1")
	python3 -c 'import sys; sys.stdout.buffer.write(bytes([(int(sys.argv[1]) + 1) % 256]))' "$old" |
		dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

for what in objects verity; do
	bad=$WORK/bad-$what
	cp -r "$ORIGIN" "$bad"
	assert_in verity "$bad/mirror"
	chmod u+w "$bad/$what/$BIG_PATH"
	damage "$bad/$what/$BIG_PATH" 20000
	start_nginx "$bad"
	new_store "$WORK/store-$what"
	start_fetch "$WORK/store-$what" "$WORK/objects" --partial-reads \
		--mirror "$NGINX_URL" --mirror "$SERVE_URL"
	mount_lazily "$WORK/store-$what"
	same_part big 20000 1
	same_part big 2000000 4096
	cmp "$WORK/tree/big" "$WORK/mnt/big"
	wait_for 10 test -e "$WORK/store-$what/objects/$BIG_PATH"
	cmp "$WORK/tree/big" "$WORK/store-$what/objects/$BIG_PATH"
	[ "$(counter parts wrong)" -gt 0 ] || fail "no wrong block was seen"
	[ "$(counter mirrors 0 results bad_digest)" -gt 0 ] || fail "nobody is blamed"
	assert_fails counter mirrors 1 results bad_digest 2>/dev/null
	umount "$WORK/mnt" "$WORK/mnt.erofs"
	stop_bg "$FETCH_PID"
done
