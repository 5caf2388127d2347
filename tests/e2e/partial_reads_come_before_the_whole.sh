#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A mount without verity reads a big file in part: blocks anywhere in it are there
# when little more than they was sent, and they are right.  They outlive the fetcher, and
# are read with the mirror gone.  Reading all of it makes it an object of the store.
# limit: 200
# also: address vm
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
. "$E2E/partial_lib.sh"
need_root
need_fuse
need_fs erofs
need_fs overlay

make_big_origin
start_mirror
url=$SERVE_URL/images/tree
mkdir "$WORK/mnt"
mount_part() {
	mount.composefs "$url" "$WORK/mnt" \
		-o "store=$WORK/store,digest=$IMAGE_DIGEST,verity_check=0,backend=overlay,deadline=2,log=$WORK/log"
}
object=$WORK/store/objects/$BIG_PATH
offsets="0 4096 12345678 17000000 23000001 $((BIG_MIB << 20))"

mount_part
for offset in $offsets; do
	same_part big "$offset" 4
done
cmp "$WORK/tree/small" "$WORK/mnt/small"
[ ! -e "$object" ] || fail "the whole is here"
sent=$(sent_bytes)
[ "$sent" -lt $((2 << 20)) ] || fail "$sent bytes for six small reads"

# The next fetcher finds the blocks, and needs nobody for them.
umount "$WORK/mnt"
wait_for 5 nobody_has_part
same() { for offset in $offsets; do same_part big "$offset" 4; done; }
stop_bg "$SERVE_PID"
mount_part
same
# Linux 7 says EIO whatever a FUSE file said to its page cache.
assert_errno "EHOSTUNREACH|EIO" read "$WORK/mnt/big"
umount "$WORK/mnt"
wait_for 5 nobody_has_part

start_serve_again
mount_part
cmp "$WORK/tree/big" "$WORK/mnt/big"
wait_for 10 test -e "$object"
cmp "$WORK/tree/big" "$object"
assert_eq "$(ls "$WORK/store/partial")" "" "what is left of the part"
assert_eq "$(stat -c %a "$object")" 444 "mode of the object"
stop_bg "$SERVE_PID"
umount "$WORK/mnt"
mount_part
cmp "$WORK/tree/big" "$WORK/mnt/big"
