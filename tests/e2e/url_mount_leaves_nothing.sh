#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An image mounted by URL brings a fetcher along that nobody sees: one process, no mount
# but the image's, nothing that the caller would have to wait for.  After umount the
# process is gone, at once and for each mount by itself; after a failed mount, too.
# also: address
. "${0%/*}/lib.sh"
need_root
need_fuse

make_tree "$WORK/tree"
make_store "$WORK/origin" "$WORK/tree" tree
start_serve "$WORK/origin"
url=$SERVE_URL/images/tree
options=digest=$IMAGE_DIGEST,tryverity,backend=overlay
mkdir "$WORK/a" "$WORK/b" "$WORK/tmp"
export TMPDIR=$WORK/tmp
n_fetchers() { pgrep -xc cfs-fetch || true; }
have() { [ "$(n_fetchers)" = "$1" ]; }
targets() { awk '{ print $5 }' /proc/self/mountinfo | sort; }
before=$(targets)

# In a pipe: a daemon that kept the helper's output open would make this wait.
mount.composefs "$url" "$WORK/a" -o "store=$WORK/store,$options" 2>&1 | cat
have 1 || fail "$(n_fetchers) fetchers"
assert_eq "$(stat -c %a "$WORK/store")" 700 "mode of a new store"
assert_eq "$(targets)" "$(printf '%s\n' "$before" "$WORK/a" | sort)" "mounts"
assert_eq "$(ls "$WORK/tmp")" "" "temporary files"
assert_eq "$(readlink "$WORK/store/images/$IMAGE_DIGEST")" "../objects/$(object_path "$IMAGE_DIGEST")"
pid=$(pgrep -x cfs-fetch)
assert_eq "$(readlink "/proc/$pid/cwd")" / "folder the fetcher keeps"
cmp "$WORK/tree/large" "$WORK/a/large"

mount.composefs "$url" "$WORK/b" -o "store=$WORK/other,$options"
have 2 || fail "$(n_fetchers) fetchers"
check compare-trees --hash "$WORK/tree" "$WORK/b"
umount "$WORK/a"
wait_for 5 have 1
kill -0 "$pid" 2>/dev/null && fail "the wrong fetcher has ended"
cmp "$WORK/tree/large" "$WORK/b/large"
umount "$WORK/b"
wait_for 5 have 0
assert_eq "$(targets)" "$before" "mounts"

# What fails after the fetcher has started takes it along.
assert_fails mount.composefs "$url" "$WORK/a" \
	-o "store=$WORK/store,$options,upperdir=$WORK/nowhere,workdir=$WORK/nowhere"
wait_for 5 have 0
assert_fails mount.composefs "$url" "$WORK/a" \
	-o "store=$WORK/store,$options,deadline=never,log=$WORK/log" 2>"$WORK/err"
assert_in "$WORK/log" "$WORK/err"
assert_in deadline "$WORK/log"
wait_for 5 have 0
assert_eq "$(targets)" "$before" "mounts"
assert_eq "$(ls "$WORK/tmp")" "" "temporary files"
