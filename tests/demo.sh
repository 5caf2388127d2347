#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# demo.sh: the main job on a real tree.  A Debian root file system becomes an image and
# a store of objects, cfs-serve serves them, the image is mounted lazily over HTTP with
# an empty store, programs run out of the mount, and what they needed of it is counted.
#
# Needs root, to mount; packages that are missing are installed.  Everything happens in
# mount and PID namespaces of its own and in a temporary folder: nothing is left behind
# but build/ and, for the next run, the Debian root in the cache.
#
#	CFS_CACHE	the cache, default .cache/
#	CFS_ROOTFS	a root file system of your own, with sh, python3 and gcc
#	CFS_NO_SETUP	set: install nothing
#	TMPDIR		where about 1 GiB is needed, default /var/tmp
set -eEuo pipefail
shopt -s inherit_errexit
top=$(cd "$(dirname "$0")/.." && pwd)
build=${CFS_BUILD:-$top/build}
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin

say() { printf '\n\033[1m%s\033[0m\n' "$*" | if [ -t 1 ]; then cat; else sed 's/\x1b\[[0-9]*m//g'; fi; }
note() { printf '    %s\n' "$*"; }
quietly() {
	"$@" >"$work/log" 2>&1 || {
		tail -n 40 "$work/log" >&2
		echo "demo.sh: this failed: $*" >&2
		exit 1
	}
}

if [ "$(id -u)" != 0 ]; then
	echo "demo.sh: mounting needs root: sudo $0" >&2
	exit 1
fi
if [ -z "${CFS_DEMO_PREPARED:-}" ]; then
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	if [ -z "${CFS_NO_SETUP:-}" ]; then
		say "1. Packages"
		"$top/tests/setup.sh" build demo
		note "all there"
	fi
	say "2. Build"
	quietly cmake -S "$top" -B "$build" -G Ninja
	quietly ninja -C "$build"
	note "in $build"
	say "3. A real root file system"
	root=$("$top/tests/debian-root.sh")
	note "$root: $(find "$root" -xdev | wc -l) names, $(du -shx "$root" | cut -f1)"
	rm -rf "$work"
	trap - EXIT
	status=0
	CFS_DEMO_PREPARED=$root unshare --mount --propagation private --pid --fork \
		--kill-child --mount-proc "$BASH" "$0" || status=$?
	exit "$status"
fi

root=$CFS_DEMO_PREPARED
export PATH="$build/cache:$build/fetcher:$build/server:$PATH"
work=$(mktemp -d "${TMPDIR:-/var/tmp}/cfs-demo.XXXXXX")
serve_pid=
finish() {
	local status=$?

	set +e
	cd /
	awk -v w="$work/" 'index($5, w) == 1 { print $5 }' /proc/self/mountinfo | sort -r |
		while read -r target; do umount -l "$target"; done
	[ -z "$serve_pid" ] || { kill "$serve_pid"; wait "$serve_pid"; } 2>/dev/null
	if [ "$status" -ne 0 ]; then
		tail -n 20 "$work"/*.log >&2
	fi
	rm -rf --one-file-system "$work"
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

now_ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }
seconds() { awk -v ms="$1" 'BEGIN { printf "%.2f s", ms / 1000 }'; }
n_objects() { find "$1/objects" -type f 2>/dev/null | wc -l; }
n_bytes() { find "$1/objects" -type f -printf '%s\n' 2>/dev/null | awk '{ n += $1 } END { printf "%.0f", n }'; }
human() { numfmt --to=iec-i --suffix=B --format=%.1f "$1"; }

# timed COMMAND...: sets took_ms
timed() {
	local start

	start=$(now_ms)
	"$@"
	took_ms=$(($(now_ms) - start))
}

origin=$work/origin
store=$work/store
mkdir -p "$origin" "$store" "$work/mnt"

say "4. Tree to image and objects: mkcomposefs --store=ORIGIN --name=debian TREE"
timed mkcomposefs --store="$origin" --name=debian --print-digest "$root" >"$work/digest"
digest=$(cat "$work/digest")
note "$(n_objects "$origin") objects, $(human "$(n_bytes "$origin")"); the image itself is $(human "$(stat -L -c %s "$origin/images/debian")")"
note "digest $digest"
note "took $(seconds "$took_ms")"

say "5. The store over HTTP: cfs-serve"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
url=http://127.0.0.1:$port
cfs-serve --listen "127.0.0.1:$port" "$origin" >"$work/serve.log" 2>&1 &
serve_pid=$!
for _ in $(seq 100); do
	! (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	kill -0 "$serve_pid"
	sleep 0.05
done
note "$url/images/debian"

say "6. Mounted over HTTP, with an empty store"
# tryverity: the kernel checks every page where the file system has fs-verity; where it
# has not, objects are checked as they arrive, and the helper says so.
timed mount.composefs "$url/images/debian" "$work/mnt" \
	-o "store=$store,digest=$digest,tryverity"
note "took $(seconds "$took_ms"): $(n_objects "$store") object here, which is the image"

# fetched: what the store has beside the image
fetched() { echo $(($(n_objects "$store") - 1)); }
begin_ms=$(now_ms)
timed bash -c "find '$work/mnt' -xdev -printf '%M %U %s %t\n' | wc -l >'$work/names'"
note "find: $(cat "$work/names") names with their metadata in $(seconds "$took_ms"), $(fetched) objects fetched"

say "7. Programs out of the mount (chroot, with a tmpfs on top to write to)"
mkdir "$work/rw"
mount -t tmpfs tmpfs "$work/rw"
mkdir "$work/rw/upper" "$work/rw/work" "$work/live"
mount -t overlay overlay "$work/live" \
	-o "lowerdir=$work/mnt,upperdir=$work/rw/upper,workdir=$work/rw/work"
mount -t proc proc "$work/live/proc"
mount --bind /dev "$work/live/dev"

# inside TITLE SCRIPT: run it there and say what it took.
inside() {
	local before

	before=$(fetched)
	timed chroot "$work/live" /bin/sh -ec "$2" >"$work/out"
	note "$(printf '%-10s' "$1") $(tr '\n' ' ' <"$work/out")"
	note "$(printf '%-10s' '') $(seconds "$took_ms"), $(($(fetched) - before)) objects fetched"
}
inside "shell" '. /etc/os-release; echo "$PRETTY_NAME; $(ls /usr/bin | wc -l) programs"'
inside "again" '. /etc/os-release; echo "$PRETTY_NAME; $(ls /usr/bin | wc -l) programs"'
inside "python3" 'python3 -c "import json, sys; print(json.dumps(dict(python=sys.version.split()[0])))"'
inside "gcc" 'cd /tmp; printf "#include <stdio.h>\nint main(void) { return !puts(\"compiled in the mount\"); }\n" >a.c; gcc a.c; ./a.out'
total_ms=$(($(now_ms) - begin_ms))
umount "$work/live/dev" "$work/live/proc" "$work/live" "$work/rw"

say "8. What was fetched"
all=$(n_objects "$origin") all_bytes=$(n_bytes "$origin")
some=$(n_objects "$store") some_bytes=$(n_bytes "$store")
note "objects  $some of $all ($((some * 1000 / all / 10)).$((some * 1000 / all % 10)) %)"
note "bytes    $(human "$some_bytes") of $(human "$all_bytes") ($((some_bytes * 1000 / all_bytes / 10)).$((some_bytes * 1000 / all_bytes % 10)) %)"
note "time     $(seconds "$total_ms") from the first look to the last program"

umount "$work/mnt"
for _ in $(seq 100); do
	pgrep -x cfs-fetch >/dev/null || break
	sleep 0.05
done
if pgrep -x cfs-fetch >/dev/null; then
	echo "demo.sh: cfs-fetch outlived its mount" >&2
	exit 1
fi
say "9. Unmounted: the fetcher is gone, and so is everything else."
