#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# gc runs without pause while images of the same files are made, seeded, imported, pinned,
# unpinned, and fetched into while they are mounted: no image that has a name ever lacks an
# object that was there, and no reader sees anything but right bytes.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_fs erofs
need_fs overlay
need_prog cfs-store cfs-seed cfs-fetch cfs-serve mkcomposefs composefs-info

mkdir "$WORK/tree"
for i in $(seq 60); do
	head -c $((i * 321 + 65)) /dev/urandom >"$WORK/tree/$i"
done
make_origin
cp -r "$WORK/tree" "$WORK/other"
for i in $(seq 30); do
	head -c $((i * 123 + 65)) /dev/urandom >"$WORK/other/new-$i"
done
make_store "$ORIGIN" "$WORK/other" other
start_mirror
store=$WORK/store
mkdir -p "$store"
mkcomposefs --store="$store" --name=first "$WORK/tree"

lacks_nothing() { # NAME ROUND
	composefs-info --basedir="$store/objects" missing-objects "$store/images/$1" ||
		fail "round $2: $1 lacks objects"
}

# Each of these goes on until the end, and fails if anything it does fails.
collect() {
	while [ ! -e "$WORK/done" ]; do
		cfs-store gc "$store" >/dev/null || return 1
	done
}
# Another image of half the same files comes, is read through a mount of its own, and goes.
come_and_go() {
	local fetch

	mkdir -p "$WORK/objects"
	cfs-fetch --foreground --store="$store" --mirror="$SERVE_URL" --max-size=1G --reserve=1M \
		"$WORK/objects" >"$WORK/fetch.log" 2>&1 &
	fetch=$!
	wait_for 10 mountpoint -q "$WORK/objects"
	while [ ! -e "$WORK/done" ]; do
		cfs-store import "$store" "$ORIGIN/images/other" lazy >/dev/null || return 1
		mount_by_hand "$store/images/lazy" "$WORK/mnt" "$store/objects" \
			"$WORK/objects/retry" || return 1
		check compare-trees --hash "$WORK/other" "$WORK/mnt" || return 1
		umount "$WORK/mnt" "$WORK/mnt.erofs" || return 1
		cfs-store unpin "$store" lazy || return 1
	done
	umount "$WORK/objects"
	wait "$fetch"
}
# A name is moved to and fro between two images.
pin_and_unpin() {
	local image

	while [ ! -e "$WORK/done" ]; do
		for image in tree other; do
			cfs-store import "$store" "$ORIGIN/images/$image" moving >/dev/null || return 1
			cfs-store pin "$store" second-name moving || return 1
			cfs-store ls "$store" >/dev/null || return 1
			cfs-store du "$store" >/dev/null || return 1
		done
		cfs-store unpin "$store" second-name moving || return 1
	done
}

workers=()
for work in collect come_and_go pin_and_unpin; do
	(trap - EXIT; "$work") >"$WORK/$work.log" 2>&1 &
	workers+=("$work:$!")
	at_exit stop_bg "$!"
done

for round in $(seq 8); do
	cfs-store unpin "$store" first
	mkcomposefs --store="$store" --name=second "$WORK/tree"
	lacks_nothing second "$round"
	cfs-store unpin "$store" second
	cfs-seed --store="$store" --from="$WORK/tree" --quiet --name=first \
		"$ORIGIN/images/tree"
	lacks_nothing first "$round"
	cfs-store unpin "$store" first
	cfs-seed --store="$store" --mirror="$SERVE_URL" --quiet --name=first tree
	lacks_nothing first "$round"
done
touch "$WORK/done"
for worker in "${workers[@]}"; do
	wait "${worker#*:}" || {
		cat "$WORK/${worker%:*}.log" "$WORK/fetch.log"
		fail "${worker%:*} failed"
	}
done
cfs-store verify --full "$store"
[ ! -e "$store/quarantine" ] || fail "something went to quarantine"
