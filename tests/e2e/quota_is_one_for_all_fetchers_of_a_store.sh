#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two fetchers of one store, each with the same quota: together they keep within it, at
# every moment.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_prog cfs-fetch cfs-serve mkcomposefs cfs-store composefs-info

mkdir "$WORK/tree" "$WORK/disk"
for i in 1 2 3; do
	head -c $((12 << 20)) /dev/urandom >"$WORK/tree/big$i"
done
for i in $(seq 60); do
	head -c $((100000 + i)) /dev/urandom >"$WORK/tree/small$i"
done
make_origin
cfs-store trees --min-size=1M "$ORIGIN" >/dev/null
start_mirror
mount -t tmpfs -o size=100m tmpfs "$WORK/disk"
store=$WORK/disk/store
new_store "$store"
quota=$((20 << 20))

start_bg "$WORK/watch.log" python3 -c '
import os, sys, time
most = 0
while True:
    fs = os.statvfs(sys.argv[1])
    if (fs.f_blocks - fs.f_bfree) * fs.f_frsize > most:
        most = (fs.f_blocks - fs.f_bfree) * fs.f_frsize
        with open(sys.argv[2] + ".new", "w") as file:
            file.write(str(most))
        os.rename(sys.argv[2] + ".new", sys.argv[2])
    time.sleep(0.002)' "$WORK/disk" "$WORK/most"

start_fetch "$store" "$WORK/a" --mirror "$SERVE_URL" --max-size="$quota"
start_fetch "$store" "$WORK/b" --mirror "$SERVE_URL" --max-size="$quota"

# whole MOUNT FILE
whole() { cmp "$WORK/tree/$2" "$WORK/$1/$(path_of "$2")" 2>/dev/null; }
readers=()
{ whole a big1 && echo big1 >>"$WORK/read"; } & readers+=($!)
{ whole b big2 && echo big2 >>"$WORK/read"; } & readers+=($!)
{ for i in $(seq 1 2 60); do whole a "small$i" || break; done; } & readers+=($!)
{ for i in $(seq 2 2 60); do whole b "small$i" || break; done; } & readers+=($!)
wait "${readers[@]}" || true
[ "$(cat "$WORK/most")" -le "$quota" ] || fail "the store once took $(cat "$WORK/most") bytes"
[ "$(wc -l <"$WORK/read" 2>/dev/null || echo 0)" -lt 2 ] || fail "24 MiB fit into 20"
for i in $(seq 60); do
	[ ! -e "$store/objects/$(path_of "small$i")" ] || whole b "small$i" || fail "what is here can't be read"
done
