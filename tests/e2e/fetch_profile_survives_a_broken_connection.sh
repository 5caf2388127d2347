#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A connection that breaks while the profile is asked for does not cost the start its
# profile: it is asked for again.
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/lazy.sh
. "$E2E/lazy.sh"
need_root
need_fuse
need_prog cfs-fetch mkcomposefs composefs-info

make_origin
mkdir "$ORIGIN/profiles"
for file in large size-4097; do
	composefs-info measure-file "$WORK/tree/$file"
done >"$ORIGIN/profiles/$IMAGE_DIGEST"
printf 'composefs-mirror 1\nprofiles\n' >"$ORIGIN/mirror"
port=$(free_port)
start_bg "$WORK/mirror.log" python3 "$E2E/drop_first.py" "$port" "$ORIGIN" "profiles/$IMAGE_DIGEST"
wait_port "$port"
new_store "$WORK/store"
start_fetch "$WORK/store" "$WORK/objects" --mirror "http://127.0.0.1:$port"
came() { [ "$(count_objects "$WORK/store")" = 3 ]; }
wait_for 15 came
assert_eq "$(grep -c "GET /profiles/$IMAGE_DIGEST HTTP" "$WORK/mirror.log")" 1 "answered requests for the profile"
umount "$WORK/objects"
stop_bg "$FETCH_PID"
