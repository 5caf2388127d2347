#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a program inherits from the process that starts it makes no difference: closed
# standard descriptors, signals that are ignored or blocked, a removed folder, an empty
# environment, limits.
# also: address
. "${0%/*}/lib.sh"
need_root
need_fuse
need_fs erofs

make_tree "$WORK/tree"
make_store "$WORK/origin" "$WORK/tree" tree
start_serve "$WORK/origin"
url=$SERVE_URL/images/tree
large=$(object_path "$(composefs-info measure-file "$WORK/tree/large")")
mkdir "$WORK/mnt"
n_fetchers() { pgrep -xc cfs-fetch || true; }
none_left() { [ "$(n_fetchers)" = 0 ]; }

# Each gets a command to run in its own way.
plain() { "$@"; }
ignored() { (trap '' HUP INT TERM PIPE CHLD; exec "$@"); }
blocked() { python3 -c 'import signal, os, sys
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
os.execvp(sys.argv[1], sys.argv[1:])' "$@"; }
closed() { "$@" <&- >&- 2>&-; }
bare() { (mkdir "$WORK/gone"; cd "$WORK/gone"; rmdir "$WORK/gone"; exec env -i PATH="$PATH" TMPDIR=/nonexistent "$@"); }
limited() { (ulimit -f 8192; ulimit -S -n 32; exec "$@"); }

for way in ignored blocked closed bare limited; do
	store=$WORK/store.$way
	$way mount.composefs "$url" "$WORK/mnt" \
		-o "store=$store,digest=$IMAGE_DIGEST,verity_check=0,log=$WORK/log.$way" ||
		fail "$way: mount.composefs"
	check compare-trees --hash "$WORK/tree" "$WORK/mnt" >/dev/null
	pid=$(pgrep -x cfs-fetch)
	# The daemon can be ended, whatever the mounting process had ignored.
	kill -TERM "$pid"
	wait_for 10 none_left
	umount -l "$WORK/mnt"
	# What was meant for a terminal is in no object.
	cfs-store verify --full "$store" >/dev/null || fail "$way: the store is damaged"

	rm -rf "$store"
	$way cfs-seed --quiet --store="$store" --mirror="$SERVE_URL" tree || fail "$way: cfs-seed"
	cfs-store verify --full "$store" >/dev/null || fail "$way: cfs-seed damaged the store"

	# Which runs cfs-seed to bring a damaged object back.
	object=$store/objects/$large
	chmod u+w "$object"
	truncate -s 1 "$object"
	$way cfs-store verify --full --repair --mirror="$SERVE_URL" "$store" >"$WORK/out" 2>&1 || true
	cmp "$WORK/tree/large" "$object" || fail "$way: cfs-store verify --repair did not bring it back"

	rm -rf "$store"
	$way mkcomposefs --store="$store" --name=tree "$WORK/tree" || fail "$way: mkcomposefs"
	assert_eq "$(readlink "$store/images/tree")" "$(readlink "$WORK/origin/images/tree")" "$way: image"
	rm -rf "$store"
	echo "$way"
done
wait_for 10 none_left

# In the background: the process that was started waits for the daemon.
mkdir "$WORK/objects"
for way in plain ignored blocked; do
	$way cfs-fetch --store="$WORK/origin" --mirror="$SERVE_URL" "$WORK/objects"
	mountpoint -q "$WORK/objects" || fail "$way: cfs-fetch"
	kill -TERM "$(pgrep -x cfs-fetch)"
	wait_for 10 none_left
	assert_fails $way cfs-fetch --store="$WORK/nowhere" --mirror="$SERVE_URL" "$WORK/objects" 2>"$WORK/err"
	assert_in nowhere "$WORK/err"
done

# A program that can't say what it was asked for fails.
for how in '>&-' '>/dev/full'; do
	if eval "composefs-info ls '$WORK/origin/images/tree' $how" 2>/dev/null; then
		fail "composefs-info with stdout $how succeeds"
	fi
done

# A service that mounts is told of nothing by its mount's fetcher, and no socket is there
# that another user could write to.
NOTIFY_SOCKET=@nobody-listens-$$ mount.composefs "$url" "$WORK/mnt" \
	-o "store=$WORK/store,digest=$IMAGE_DIGEST,verity_check=0"
pid=$(pgrep -x cfs-fetch)
! tr '\0' '\n' <"/proc/$pid/environ" | grep -q NOTIFY_SOCKET || fail "the fetcher has a notify socket"
umount "$WORK/mnt"
