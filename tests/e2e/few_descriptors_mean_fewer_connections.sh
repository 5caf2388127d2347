#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Where few files may be open, cfs-fetch and cfs-seed do with fewer transfers: no reader
# sees an error, and no mirror is taken for a bad one.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_fs erofs
need_fs overlay
need_cmd prlimit
need_prog cfs-seed cfs-fetch cfs-serve mkcomposefs mount.composefs

mkdir "$WORK/tree"
python3 - "$WORK/tree" <<'END'
import random, sys
random.seed(43)
for i in range(90):
    open(f"{sys.argv[1]}/{i:03}", "wb").write(random.randbytes(random.choice((500, 9000, 70000, 300000)) + i))
for i in range(1):
    open(f"{sys.argv[1]}/large{i}", "wb").write(random.randbytes(17 << 20))
END
make_origin
cfs-store trees "$ORIGIN" >/dev/null
start_mirror
mirrors=(--mirror="$SERVE_URL")
options=mirror=$SERVE_URL
for _ in 1 2 3; do
	start_mirror
	mirrors+=(--mirror="$SERVE_URL")
	options+=,mirror=$SERVE_URL
done

mkdir "$WORK/mnt"
same_tree() { (cd "$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum) | sha256sum; }
want=$(same_tree "$WORK/tree")

# SOFT:HARD; the one is raised to the other.
for limit in 24:24 32:32 48:48 64:64 256:256 24:1024; do
	prlimit --nofile="$limit" mount.composefs "$ORIGIN/images/tree" "$WORK/mnt" -o \
		"store=$WORK/store,verity_check=0,deadline=60,noprefetch,log=$WORK/log,$options" 2>"$WORK/err" ||
		{ cat "$WORK/err" "$WORK/log" >&2; fail "limit $limit: no mount"; }
	(cd "$WORK/mnt" && find . -type f -print0 | xargs -0 -P 30 -n 3 cat) >"$WORK/cat.out" 2>"$WORK/cat.err" ||
		{ cat "$WORK/log" >&2; fail "limit $limit: $(head -3 "$WORK/cat.err")"; }
	assert_eq "$(same_tree "$WORK/mnt")" "$want" "limit $limit: what was read"
	! grep -E 'result=(unreachable|tls|local)' "$WORK/log" || fail "limit $limit: a mirror is blamed"
	umount "$WORK/mnt"
	rm -f "$WORK/log"
	mv "$WORK/store" "$WORK/store.$limit"
done

# cfs-seed: a pack is done without, too.
cfs-store pack --all --name=all "$ORIGIN" tree >/dev/null
for limit in 24:24 26:26 64:64; do
	timeout 60 prlimit --nofile="$limit" cfs-seed --store="$WORK/seeded.$limit" "${mirrors[@]}" \
		tree >"$WORK/out" 2>"$WORK/err" || fail "cfs-seed with $limit: $(cat "$WORK/err")"
	assert_in "files may be open" "$WORK/err"
	assert_eq "$(count_objects "$WORK/seeded.$limit")" "$(count_objects "$ORIGIN")" "objects with $limit"
done

# With too few for anything it is said so.
for limit in 10 14; do
	status=0
	prlimit --nofile="$limit:$limit" cfs-seed --store="$WORK/none.$limit" "${mirrors[0]}" tree \
		>"$WORK/out" 2>"$WORK/err" || status=$?
	assert_eq "$status" 1 "cfs-seed with $limit: exit status"
	grep -Eqi "files may be open|too many open files" "$WORK/err" || fail "$limit: $(cat "$WORK/err")"
done

rm -rf "$WORK/store"
assert_fails prlimit --nofile=16:16 mount.composefs "$SERVE_URL/images/tree" "$WORK/mnt" -o \
	"store=$WORK/store,digest=$IMAGE_DIGEST,verity_check=0" 2>"$WORK/err"
grep -Eqi "files may be open|too many open files" "$WORK/err" || fail "mount with 16: $(cat "$WORK/err")"

# Descriptors that are gone later on, when their number has been counted.
new_store "$WORK/late"
start_fetch "$WORK/late" "$WORK/objects" "${mirrors[@]}" --deadline=60
n=$(find "/proc/$FETCH_PID/fd" -mindepth 1 | wc -l)
prlimit --pid "$FETCH_PID" --nofile=$((n + 6))
mount_lazily "$WORK/late"
(cd "$WORK/mnt" && find . -type f -name '[0-9]*' -print0 | xargs -0 -P 30 -n 3 cat) >"$WORK/cat.out" 2>"$WORK/cat.err" ||
	{ cat "$FETCH_LOG" >&2; fail "later: $(head -3 "$WORK/cat.err")"; }
assert_in "too many open files" "$FETCH_LOG"
for i in 0 1 2 3; do
	assert_eq "$(counter mirrors $i state)" good "later: state of mirror $i"
done
