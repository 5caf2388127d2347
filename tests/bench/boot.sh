#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# boot.sh [RTT_MS...] [rounds=N]: time to login of the same Debian in the same emulated
# machine, in seconds and as a ratio to its own local ext4 disk, for each RTT of the
# link to the mirror (default 0 and 20):
#
#	local	the tree on an ext4 disk; no network
#	cold	root=cfs:, an empty store, nothing prefetched
#	unsealed	the same, on a store without fs-verity, with cfs.verity=off
#	profile	the same, with the profile that "cold" recorded, published on the mirror
#	pack	the same, with a pack of that profile
#	warm	the store of "cold" again, and no server
#	whole	live-boot: the whole tree as one squashfs, downloaded into memory first
#
# Then what was fetched until the login, memory of fetcher and store, and what is added to
# the initramfs.  plot_boot.py makes a table and a plot of it.  Run it on an idle machine;
# several rounds are interleaved, the median counts.
# Results are lines of words; nothing is asserted.
. "$(dirname "$0")/../boot/machine.sh"

rounds=1
links=()
for word; do
	case $word in
	rounds=*) rounds=${word#rounds=} ;;
	*) links+=("$word") ;;
	esac
done
[ "${#links[@]}" -gt 0 ] || links=(0 20)
boot=$here

now_ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }

# timed NAME WORD...: boot until the login; a line with the time goes to results.
timed() {
	local name=$1 start

	shift
	start=$(now_ms)
	machine_start "$@"
	await '@cfs:~#'
	echo "$name $(($(now_ms) - start))" >>"$WORK/results"
	echo "  $name $(tail -n 1 "$WORK/results" | cut -d' ' -f2) ms" >&2
}

# Whatever is on the disk has to be there for the next boot.
off() { guest poweroff >/dev/null || true; machine_off; }

# mirror_at RTT: serve the origin at that distance; sets mirror_url.
mirror_at() {
	mirror_start "$ORIGIN"
	[ "$1" = 0 ] || link_start "$1"
}

publish() {
	rm -rf "$ORIGIN/profiles" "$ORIGIN/packs" "$ORIGIN/mirror"
	[ "$1" != nothing ] || return 0
	mkdir -p "$ORIGIN/profiles"
	cp "$WORK/profile" "$ORIGIN/profiles/$digest"
	[ "$1" != pack ] || cfs-store pack "$ORIGIN" "$digest" >&2
}

# cold NAME WORD...: on a new disk.
cold() {
	local name=$1

	shift
	make_disk
	timed "$name" "root=cfs:$digest" "cfs.mirror=$mirror_url" cfs.store=LABEL=cfs "$@"
	guest 'cat /run/composefs/status.json' >"$WORK/status-$name"
	guest 'df -k --output=used /run/composefs/store | tail -n 1' | sed "s/^ */$name /" >>"$WORK/store"
	guest 'grep VmRSS /proc/$(pgrep -f @fs-fetch)/status' | awk -v n="$name" '{ print n, $2 }' >>"$WORK/rss"
}

one_round() {
	local rtt=$1

	publish nothing
	cold "cold-$rtt" cfs.prefetch=none
	guest 'sleep 3; cat /run/composefs/store/profiles/*.recorded' >"$WORK/profile"
	off
	stop_bg "$SERVE_PID"
	timed "warm-$rtt" "root=cfs:$digest" "cfs.mirror=$mirror_url" cfs.store=LABEL=cfs
	off
	mirror_at "$rtt"
	FEATURES=^verity cold "unsealed-$rtt" cfs.prefetch=none cfs.verity=off
	off
	publish profile
	cold "profile-$rtt"
	off
	publish pack
	cold "pack-$rtt"
	off
	rm -f "$WORK/store.img"
	live_port=$(free_port)
	start_bg "$WORK/live.log" python3 -m http.server --bind 127.0.0.1 --directory "$WORK" "$live_port"
	wait_port "$live_port"
	[ "$rtt" = 0 ] || {
		SERVE_PORT=$live_port link_start "$rtt"
		live_port=${mirror_url##*:}
	}
	INITRAMFS=live MEMORY=2G timed "whole-$rtt" boot=live \
		"fetch=http://10.0.2.2:$live_port/root.squashfs" ip=dhcp
	off
}

# Copies of the tree, and initramfs images to compare with.
CFS_BOOT_COPIES=$WORK "$boot/origin.sh" 1 >/dev/null
for kind in none live; do
	"$boot/initramfs.sh" "$kind" >/dev/null
done
digest=$(image_digest 1)
for _ in $(seq "$rounds"); do
	mv "$WORK/root.ext4" "$WORK/root.img"
	INITRAMFS=none timed local root=LABEL=root rw
	off
	mv "$WORK/root.img" "$WORK/root.ext4"
	for rtt in "${links[@]}"; do
		mirror_at "$rtt"
		one_round "$rtt"
		stop_bg "$SERVE_PID"
	done
done
publish nothing

median() { awk -v n="$1" '$1 == n { print $2 }' "$WORK/results" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
base=$(median local)
printf '%-12s %8s %8s\n' boot seconds ratio
# shellcheck disable=SC2013
for name in $(awk '!seen[$1]++ { print $1 }' "$WORK/results"); do
	awk -v n="$name" -v t="$(median "$name")" -v b="$base" \
		'BEGIN { printf "%-12s %8.1f %8.2f\n", n, t / 1000, t / b }'
done
for status in "$WORK"/status-*; do
	jq -r --arg n "${status##*/status-}" '.total | "fetched \($n) objects \(.fetched_objects) of \(.objects) bytes \(.fetched_bytes) of \(.bytes) percent \(100 * .fetched_bytes / .bytes)"' "$status"
done
sed 's/^/rss_kib /' "$WORK/rss"
sed 's/^/store_kib /' "$WORK/store"
echo "squashfs bytes $(stat -c %s "$WORK/root.squashfs")"
echo "initramfs bytes $(stat -c %s "$CFS_BUILD/boot/initramfs-tools.img") added $(($(stat -c %s "$CFS_BUILD/boot/initramfs-tools.img") - $(stat -c %s "$CFS_BUILD/boot/none.img")))"
