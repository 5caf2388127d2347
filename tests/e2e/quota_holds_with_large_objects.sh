#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# also: address
#
# --max-size is for all that the store takes on the disk, at every moment: objects that
# are read in part count, give way when no process reads them, and are refused at once if
# they can never fit.  Whoever finds no room gets ENOSPC, and only that reader.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_prog cfs-fetch cfs-serve mkcomposefs cfs-store composefs-info

# Three objects of 18 MiB for a quota of 30; one of 40; and small ones.
mkdir "$WORK/tree"
for i in 1 2 3; do
	head -c $((18 << 20)) /dev/urandom >"$WORK/tree/big$i"
done
head -c $((40 << 20)) /dev/urandom >"$WORK/tree/huge"
for i in $(seq 20); do
	head -c $((i * 5000)) /dev/urandom >"$WORK/tree/small$i"
done
make_origin
cfs-store trees "$ORIGIN" >/dev/null
start_mirror
quota=$((30 << 20))

taken() { du -s --block-size=1 "$1" | cut -f1; }
place() { echo "$WORK/objects/$(path_of "$1")"; }
whole() { cmp "$WORK/tree/$1" "$(place "$1")"; }
begin() { cmp -n $((1 << 20)) "$WORK/tree/$1" "$(place "$1")"; }
within_quota() {
	[ "$(taken "$store")" -le "$quota" ] || fail "$1: the store takes $(taken "$store") bytes"
}
fetch() {
	start_fetch "$store" "$WORK/objects" --mirror "$SERVE_URL" --partial-reads "$@"
}
end_fetch() {
	umount "$WORK/objects"
	stop_bg "$FETCH_PID"
}
# A file system with nothing but stores: what it has in use, at one moment, and the most
# of that since the start, into $WORK/most.
mkdir "$WORK/disk"
mount -t tmpfs -o size=100m tmpfs "$WORK/disk"
store=$WORK/disk/store
watch_disk='
import os, sys, time
most = 0
while True:
    fs = os.statvfs(sys.argv[1])
    if (fs.f_blocks - fs.f_bfree) * fs.f_frsize > most:
        most = (fs.f_blocks - fs.f_bfree) * fs.f_frsize
        with open(sys.argv[2] + ".new", "w") as file:
            file.write(str(most))
        os.rename(sys.argv[2] + ".new", sys.argv[2])
    time.sleep(0.002)'

# All are begun, while all are open; what can never fit is not, and costs the others nothing.
new_store "$store"
start_bg "$WORK/watch.log" python3 -c "$watch_disk" "$WORK/disk" "$WORK/most"
fetch --max-size="$quota" --fill-from=100
whole small1
exec 5<"$(place big1)" 6<"$(place big2)" 7<"$(place big3)"
for i in 1 2 3; do
	begin "big$i" || fail "the first MiB of an object"
done
assert_errno ENOSPC read "$(place huge)"
assert_in "raise --max-size" "$FETCH_LOG"
whole small2 || fail "a small object beside large ones"
begin big2 || fail "what is open is read on"
within_quota "three begun"
cfs-store du "$store" >"$WORK/du"
assert_in "partial: objects that are here in part" "$WORK/du"
[ "$(cfs-store du --json "$store" | jq .space.partial.bytes)" -ge $((3 << 20)) ] || fail "du without what is here in part"
[ "$(cfs-store du --json "$store" | jq .space.bytes)" = "$(taken "$store")" ] || fail "du(1) says otherwise"

# One fits whole: it becomes an object, which the image needs.  Then another does not, the
# rest of which is ENOSPC; and what was here of it is not in the way of small ones.
whole big1 || fail "an object that fits"
within_quota "one whole"
if whole big2 2>"$WORK/errors"; then fail "36 MiB fit into 30"; fi
assert_in "No space left on device" "$WORK/errors"
for i in $(seq 20); do
	whole "small$i" || fail "small objects go on"
done
whole big1 || fail "what is here is read"
within_quota "two whole"
exec 5<&- 6<&- 7<&-
end_fetch

# A fetcher that is killed leaves parts: the next one counts them, and gives them up.
rm -rf "$store"
new_store "$store"
fetch --max-size="$quota" --fill-from=100
cmp -n $((5 << 20)) "$WORK/tree/big3" "$(place big3)"
kill -KILL "$FETCH_PID"
umount -l "$WORK/objects"
[ "$(du -sm "$store/partial" | cut -f1)" -ge 5 ] || fail "nothing was left"
fetch --max-size=22M
whole big1 || fail "parts of another object are in the way"
[ ! -e "$store/partial/$(path_of big3 | tr -d /).data" ] || fail "they are still there"
[ "$(taken "$store")" -le $((22 << 20)) ] || fail "after a kill the store takes $(taken "$store") bytes"
end_fetch

# Nothing is needed: each comes, and the one before goes.
rm -rf "$store"
mkdir -p "$store/objects" "$store/images"
fetch --max-size="$quota" --any
for i in 1 2 3 1; do
	whole "big$i" || fail "object $i in a cache"
	within_quota "a cache"
done
end_fetch
[ "$(cat "$WORK/most")" -le "$quota" ] || fail "the store once took $(cat "$WORK/most") bytes"
