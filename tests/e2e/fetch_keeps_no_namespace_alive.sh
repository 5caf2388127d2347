#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A mount namespace that ends without umount, as a container's does, takes its mount and
# the mount's fetcher along, whatever the propagation of its mounts.  While the mount lives
# its fetcher keeps no other file system busy, neither where it was mounted nor in its
# own namespace, and resolves names as the namespace does.
. "${0%/*}/lib.sh"
need_root
need_fuse
need_fs erofs
need_fs overlay
need_prog cfs-fetch cfs-serve mkcomposefs mount.composefs

make_tree "$WORK/tree"
make_store "$WORK/origin" "$WORK/tree" tree
start_serve "$WORK/origin"
mkdir "$WORK/mnt" "$WORK/disk" "$WORK/other"
n_fetchers() { pgrep -xc cfs-fetch || true; }
have() { [ "$(n_fetchers)" = "$1" ]; }
options=digest=$IMAGE_DIGEST,verity_check=0,backend=overlay
export SERVE_URL options

for propagation in private slave shared unchanged; do
	unshare -m --propagation "$propagation" bash -ec '
		mount.composefs "$SERVE_URL/images/tree" "$WORK/mnt" -o "store=$WORK/store,$options"
		cmp "$WORK/tree/large" "$WORK/mnt/large"'
	wait_for 10 have 0
	rm -r "$WORK/store"
done

# A namespace that ends while a reader waits, and another process keeps nothing of it.
unshare -m --propagation private bash -ec '
	mount.composefs "$SERVE_URL/images/tree" "$WORK/mnt" -o "store=$WORK/store,$options,noprefetch"
	kill -STOP "$SERVE_PID"
	cat "$WORK/mnt/large" >/dev/null & sleep 0.3; kill -KILL $!'
kill -CONT "$SERVE_PID"
wait_for 10 have 0

# Store and log on a file system of their own, unmounted right behind the mount.
for i in 1 2 3 4 5; do
	mount -t tmpfs disk "$WORK/disk"
	mount.composefs "$SERVE_URL/images/tree" "$WORK/mnt" \
		-o "store=$WORK/disk/store,log=$WORK/disk/log,status-file=$WORK/disk/status,$options"
	cmp "$WORK/tree/large" "$WORK/mnt/large"
	assert_in fetched "$WORK/disk/log"
	umount "$WORK/mnt"
	umount "$WORK/disk" || fail "busy after umount, in round $i"
done
wait_for 10 have 0

# What was mounted before is gone when it is unmounted.
loop=$(losetup --find --show --read-only "$WORK/origin/images/tree")
mount -t erofs -o ro "$loop" "$WORK/other"
losetup --detach "$loop"	# as soon as it is unused
mount.composefs "$SERVE_URL/images/tree" "$WORK/mnt" -o "store=$WORK/store,$options"
umount "$WORK/other"
is_free() { ! losetup "$loop" >/dev/null 2>&1; }
wait_for 5 is_free
cmp "$WORK/tree/size-4097" "$WORK/mnt/size-4097"
umount "$WORK/mnt"
wait_for 10 have 0
rm -r "$WORK/store"

# The namespace's own files of /etc, which in containers are mounts.
echo "127.0.0.1 localhost mirror.test" >"$WORK/hosts"
unshare -m --propagation private bash -ec '
	mount --bind "$WORK/hosts" /etc/hosts
	mount.composefs "http://mirror.test:$SERVE_PORT/images/tree" "$WORK/mnt" -o "store=$WORK/store,$options"
	cmp "$WORK/tree/large" "$WORK/mnt/large"'
wait_for 10 have 0
