#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A machine starts before its network does: the mirror that nobody could reach at first is asked
# for a profile when it is there, without anything being read.
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/lazy.sh
. "$E2E/lazy.sh"
need_root
need_fuse
need_prog cfs-fetch cfs-serve mkcomposefs cfs-store

make_origin
mkdir -p "$ORIGIN/profiles"
for file in large size-4097; do
	composefs-info measure-file "$WORK/tree/$file"
done >"$ORIGIN/profiles/$IMAGE_DIGEST"
new_store "$WORK/store"
port=$(free_port)
start_fetch "$WORK/store" "$WORK/objects" --mirror "http://127.0.0.1:$port" --hard
# Longer than the first try, which was refused at once.
sleep 1
assert_eq "$(count_objects "$WORK/store")" 1 "objects while there is no mirror"
start_bg "$WORK/serve.log" cfs-serve --listen "127.0.0.1:$port" "$ORIGIN"
came() { [ "$(count_objects "$WORK/store")" = 3 ]; }
wait_for 30 came
