#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A reader that waits for a block of a big object can be killed, whether it came by
# read() or by mmap(); who came after it gets his block once the mirror answers again.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
. "$E2E/partial_lib.sh"
need_root
need_fuse
need_fs erofs
need_fs overlay

make_big_origin
new_store "$WORK/store"
start_mirror
start_fetch "$WORK/store" "$WORK/objects" --partial-reads --mirror "$SERVE_URL" \
	--first-byte-timeout 100
mount_lazily "$WORK/store"
same_part big 0 10
kill -STOP "$SERVE_PID"
at_exit kill -CONT "$SERVE_PID"

# by_read PATH OFFSET, by_mmap PATH OFFSET
by_read() { exec python3 -c 'import os, sys
os.pread(os.open(sys.argv[1], os.O_RDONLY), 10, int(sys.argv[2]))' "$@"; }
by_mmap() { exec python3 -c 'import mmap, os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
mmap.mmap(fd, 0, prot=mmap.PROT_READ)[int(sys.argv[2])]' "$@"; }

offset=0
for how in read mmap; do
	offset=$((offset + 7000000))
	waits=$(counter parts waits)
	"by_$how" "$WORK/mnt/big" "$offset" &
	reader=$!
	wait_for 10 more_waits "$waits"
	kill -KILL "$reader"
	wait_for 5 is_gone "$reader"
done

waits=$(counter parts waits)
same_part big 20000000 10 &
reader=$!
wait_for 10 more_waits "$waits"
kill -CONT "$SERVE_PID"
wait "$reader" || fail "the last reader failed"
