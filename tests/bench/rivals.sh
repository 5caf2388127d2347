#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# rivals.sh [TREE]: what else mounts a tree that lies behind HTTP, beside cfs-fetch without
# profile or pack: rclone mount, httpdirfs and casync mount.  Eight readers ($READERS) read the
# trace of a start (start_lib.sh) out of each, cold, over links of $RTTS (0 10 20 50) ms and
# $RATE (125) MB/s, $RUNS (1) times in turn; who needs more than $MAX (120) seconds is stopped.
#
# Prints for each, as medians, seconds from the start of the program to the last byte; its
# processor seconds a GB; and the most memory it held.  Files that could not be read, or had
# other bytes than the tree, are counted.
#
# casync is this Debian's (the newest is built without mount), rclone and httpdirfs are sid's,
# run by sid's own loader: httpdirfs of bookworm does not take nginx for a server with ranges.
. "${0%/*}/../e2e/lib.sh"
# shellcheck source=tests/e2e/lazy.sh
. "$E2E/lazy.sh"
# shellcheck source=tests/bench/start_lib.sh
. "$CFS_TOP/tests/bench/start_lib.sh"
# shellcheck source=tests/suite.sh
. "$CFS_TOP/tests/suite.sh"
need_cmd nginx casync mmdebstrap
most=${MAX:-120}

sid=$CFS_CACHE/rivals
if [ ! -e "$sid.done" ]; then
	echo "fetching rclone and httpdirfs" >&2
	rm -rf "$sid"
	apt-config dump | grep '^Acquire::' >"$WORK/apt.conf" || true
	mmdebstrap --variant=extract --aptopt="$WORK/apt.conf" --include=rclone,httpdirfs sid "$sid" \
		"deb $(machine_archive) sid main" >"$WORK/sid.log" 2>&1 || {
		tail "$WORK/sid.log" >&2
		exit 1
	}
	touch "$sid.done"
fi
loader=$(find "$sid/usr/lib64/" -name 'ld-linux-x86-64.so.2')
of_sid() {
	exec "$loader" --library-path "$sid/usr/lib/x86_64-linux-gnu" "$sid/usr/bin/$1" "${@:2}"
}

tree=${1:-$(debian_root)}
start_origin "$tree"
mkdir "$WORK/www"
ln -s "$(realpath "$tree")" "$WORK/www/tree"
echo "chunks for casync" >&2
(cd "$tree" && casync make --store="$WORK/www/chunks.castr" "$WORK/www/tree.caidx" . >/dev/null)
web=$(free_port)
{
	echo "daemon off; user root; pid $WORK/nginx.pid; error_log $WORK/nginx.err; worker_processes 2;"
	echo "events { worker_connections 4096; }"
	echo "http { access_log off; keepalive_requests 1000000;"
	for dir in client_body proxy fastcgi uwsgi scgi; do
		echo "${dir}_temp_path $WORK/tmp-$dir;"
	done
	echo "server { listen 127.0.0.1:$web; root $WORK/www; autoindex on; }"
	echo "}"
} >"$WORK/nginx.conf"
start_bg "$WORK/nginx.log" nginx -c "$WORK/nginx.conf" -e "$WORK/nginx.err"
wait_port "$web"

mounted() { mountpoint -q "$WORK/mnt"; }

# Each mounts the tree at $WORK/mnt through the link and sets RIVAL_PID.
start_cfs-fetch() {
	new_store "$DIR/store"
	start_fetch "$DIR/store" "$WORK/objects" --mirror "http://127.0.0.1:$LINK_PORT" \
		--no-prefetch
	mount_lazily "$DIR/store"
	RIVAL_PID=$FETCH_PID
}
start_rclone() {
	start_bg "$WORK/rclone.log" of_sid rclone mount :http: "$WORK/mnt" --config /dev/null \
		--http-url "http://127.0.0.1:$LINK_PORT/tree/" --vfs-cache-mode full \
		--cache-dir "$DIR" --read-only --dir-cache-time 1000h
	RIVAL_PID=$BG_PID
	wait_for 60 mounted
}
start_httpdirfs() {
	start_bg "$WORK/httpdirfs.log" of_sid httpdirfs -f --cache --cache-location "$DIR" \
		"http://127.0.0.1:$LINK_PORT/tree/" "$WORK/mnt"
	RIVAL_PID=$BG_PID
	wait_for 60 mounted
}
start_casync() {
	start_bg "$WORK/casync.log" casync mount --store="http://127.0.0.1:$LINK_PORT/chunks.castr" \
		"http://127.0.0.1:$LINK_PORT/tree.caidx" "$WORK/mnt"
	RIVAL_PID=$BG_PID
	wait_for 120 mounted
}

# A mount that hangs is detached; its program is killed by stop_bg.
end_rival() {
	umount -l "$WORK/mnt"
	[ "$1" != cfs-fetch ] || umount -l "$WORK/mnt.erofs" "$WORK/objects"
	stop_bg "$RIVAL_PID" KILL
}

# measure NAME: one run; a line of milliseconds, processor ticks, KiB, files read wrong or not.
measure() {
	local name=$1 port=$web start status=0 ticks peak bad ms

	[ "$name" != cfs-fetch ] || port=$SERVE_PORT
	fresh_dir
	mkdir -p "$WORK/mnt"
	sync -f "$WORK"
	echo 3 >/proc/sys/vm/drop_caches
	start_link "$port" "$rtt"
	start=$(now_ms)
	"start_$name"
	(cd "$WORK/mnt" && timeout -k 1 "$most" fsload -j "${READERS:-8}" read) \
		<"$WORK/trace" >/dev/null 2>&1 || status=$?
	ms=$(($(now_ms) - start))
	ticks=$(awk '{ print $14 + $15 }' "/proc/$RIVAL_PID/stat")
	peak=$(awk '/VmHWM/ { print $2 }' "/proc/$RIVAL_PID/status")
	if [ "$status" = 124 ] || [ "$status" = 137 ]; then
		ms=-1
		bad=-
	else
		(cd "$WORK/mnt" && tr '\n' '\0' <"$WORK/trace" |
			{ timeout -k 1 "$most" xargs -0 sha256sum 2>/dev/null || true; }) |
			sort | comm -13 - "$WORK/right" >"$WORK/bad"
		bad=$(wc -l <"$WORK/bad")
		sed "s/^/$name, not read: /" "$WORK/bad" | head -n 3 >&2
	fi
	end_rival "$name"
	stop_bg "$LINK_PID"
	echo "$ms $ticks $peak $bad" >>"$WORK/result.$name.$rtt"
}

files=$(wc -l <"$WORK/trace")
bytes=$(cd "$tree" && tr '\n' '\0' <"$WORK/trace" | xargs -0 stat -c %s | awk '{ n += $1 } END { print n }')
(cd "$tree" && tr '\n' '\0' <"$WORK/trace" | xargs -0 sha256sum) | sort >"$WORK/right"
names=(cfs-fetch rclone httpdirfs casync)
for rtt in $rtts; do
	for _ in $(seq "${RUNS:-1}"); do
		for name in "${names[@]}"; do
			measure "$name"
		done
	done
done

echo "$files files, $bytes bytes, ${READERS:-8} readers, $rate MB/s, ${RUNS:-1} run(s)"
printf '%-12s %8s %12s %12s %10s %12s\n' "" "rtt ms" seconds "CPU s/GB" "MiB" "files not read"
for name in "${names[@]}"; do
	for rtt in $rtts; do
		column() { awk -v c="$1" '{ print $c }' "$WORK/result.$name.$rtt" | median; }
		awk -v name="$name" -v rtt="$rtt" -v ms="$(column 1)" -v ticks="$(column 2)" \
			-v peak="$(column 3)" -v bad="$(column 4)" -v bytes="$bytes" \
			-v hz="$(getconf CLK_TCK)" -v most="$most" 'BEGIN {
				seconds = ms < 0 ? "> " most : sprintf("%.2f", ms / 1000)
				cpu = ms < 0 ? "-" : sprintf("%.2f", ticks / hz / bytes * 1e9)
				printf "%-12s %8s %12s %12s %10.1f %12s\n", name, rtt, seconds, cpu, peak / 1024, bad }'
	done
done
