#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# --max-size: above the high-water mark what no image needs goes, the least recently used
# first, down to the low-water mark; the store never takes more; what images need is
# never removed, and what does not fit is ENOSPC.  --reserve keeps so much free.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_prog cfs-fetch cfs-serve mkcomposefs cfs-store composefs-info

mkdir "$WORK/tree"
for i in $(seq 40); do
	head -c $((100000 + i)) /dev/urandom >"$WORK/tree/$i"
done
make_origin
start_mirror
store=$WORK/store

place_of() { object_path "$(composefs-info measure-file "$WORK/tree/$1")"; }
read_files() {
	local i

	for i; do
		cmp "$WORK/tree/$i" "$WORK/objects/$(place_of "$i")" || return 1
	done
}
taken() { du -s --block-size=1 "$store/objects" | cut -f1; }
has() { [ -e "$store/objects/$(place_of "$1")" ]; }
collected() { [ "$(counter fetches collected_objects)" -ge "$1" ]; }
idle() { [ "$(cfs-store gc --no-wait --max-size=1T --json "$store" | jq .removed.objects)" = 0 ]; }

# A cache of whatever is asked for: forty files of 100 kB go through 2 MiB.
mkdir -p "$store/objects" "$store/images"
start_fetch "$store" "$WORK/objects" --mirror "$SERVE_URL" --any \
	--max-size=2M --high-water=1.5M --low-water=1M
for i in $(seq 40); do
	read_files "$i" || fail "file $i"
	# Times of use are seconds: this is how the order is known.
	touch -d "@$((1000000000 + i))" "$store/objects/$(place_of "$i")"
	[ "$(taken)" -le $(((2 << 20) + 256 * 4096)) ] || fail "the store takes $(taken) bytes"
done
wait_for 10 collected 20
wait_for 10 idle
if has 1; then fail "the oldest is still there"; fi
has 40 || fail "the newest is gone"
[ "$(cfs-store gc --dry-run --json "$store" | jq .removed.bytes)" -le $((3 << 19)) ] ||
	fail "above the high-water mark"
read_files 1 || fail "what was removed does not come back"
umount "$WORK/objects"
stop_bg "$FETCH_PID"

# An image that needs more than the quota: no object goes, the rest is ENOSPC.
rm -rf "$store"
new_store "$store"
start_fetch "$store" "$WORK/objects" --mirror "$SERVE_URL" --max-size=2M
for i in $(seq 15); do
	read_files "$i" || fail "file $i of an image"
done
if read_files $(seq 16 40) 2>"$WORK/errors"; then fail "4 MB fit into a quota of 2 MiB"; fi
assert_in "No space left on device" "$WORK/errors"
read_files $(seq 15) || fail "an object that the image needs was removed"
assert_eq "$(counter fetches collected_objects)" 0 "objects removed"
[ "$(taken)" -le $(((2 << 20) + 256 * 4096)) ] || fail "the store takes $(taken) bytes"
umount "$WORK/objects"
stop_bg "$FETCH_PID"

# A reserve that no disk has: nothing comes in, and what is there is read.
start_fetch "$store" "$WORK/objects" --mirror "$SERVE_URL" --reserve=1000T
read_files $(seq 15) || fail "what is there can't be read"
assert_errno ENOSPC read "$WORK/objects/$(place_of 40)"
umount "$WORK/objects"
stop_bg "$FETCH_PID"

# A reserve on a disk that is nearly full of what nobody needs.
mkdir "$WORK/disk"
mount -t tmpfs -o size=6m tmpfs "$WORK/disk"
store=$WORK/disk/store
mkdir -p "$store/objects" "$store/images"
start_fetch "$store" "$WORK/objects" --mirror "$SERVE_URL" --any --reserve=3M
for i in $(seq 40); do
	read_files "$i" || fail "file $i with a reserve"
	free=$(($(stat -f -c '%a * %S' "$WORK/disk")))
	[ "$free" -ge $((3 << 20)) ] || fail "$free bytes are free"
done
umount "$WORK/objects"
stop_bg "$FETCH_PID"
umount "$WORK/disk"

for wrong in --high-water=1M --low-water=1M "--max-size=1M --high-water=2M" \
	"--max-size=2M --high-water=1M --low-water=1.5M"; do
	# shellcheck disable=SC2086
	assert_fails cfs-fetch --store="$store" --mirror="$SERVE_URL" $wrong "$WORK/objects" 2>"$WORK/usage"
	assert_in "-water" "$WORK/usage"
done
