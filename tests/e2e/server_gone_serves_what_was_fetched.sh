#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# With the server gone, what was fetched can be read in a new mount of the known image;
# what was not fails cleanly and in bounded time, and can be had once a server is back.
. "${0%/*}/lib.sh"
need_root
need_fuse

make_tree "$WORK/tree"
make_store "$WORK/origin" "$WORK/tree" tree
start_serve "$WORK/origin"
mkdir "$WORK/store"
options=store=$WORK/store,digest=$IMAGE_DIGEST,tryverity
mount_cfs "$SERVE_URL/images/tree" "$WORK/mnt" "$options,deadline=3"
cmp "$WORK/tree/large" "$WORK/mnt/large"
umount "$WORK/mnt"
stop_bg "$SERVE_PID"

mount_cfs "$SERVE_URL/images/tree" "$WORK/mnt" "$options,deadline=3"
cmp "$WORK/tree/large" "$WORK/mnt/large"
cmp "$WORK/tree/inline" "$WORK/mnt/inline"
began=$SECONDS
assert_errno 'EHOSTUNREACH|ETIMEDOUT' read "$WORK/mnt/twin-a"
[ $((SECONDS - began)) -le 10 ] || fail "it took $((SECONDS - began)) s to fail"
cmp "$WORK/tree/large" "$WORK/mnt/large"

start_bg "$WORK/again.log" cfs-serve --listen "127.0.0.1:$SERVE_PORT" "$WORK/origin"
wait_port "$SERVE_PORT"
wait_for 30 cmp -s "$WORK/tree/twin-a" "$WORK/mnt/twin-a"
