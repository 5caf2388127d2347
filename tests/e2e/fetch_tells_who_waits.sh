#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# While a reader waits for a mirror that says nothing, the status names the object, how
# many wait for it, since when, and which mirror owes it.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_prog cfs-fetch cfs-serve mkcomposefs cfs-store

make_origin
silent_mirror
new_store "$WORK/store"
start_fetch "$WORK/store" "$WORK/objects" --mirror "$SILENT_URL" --hard
path=$(path_of size-4097)
start_bg "$WORK/reader.1" cat "$WORK/objects/$path"
start_bg "$WORK/reader.2" cat "$WORK/objects/$path"
wait_for 10 counter_is 2 in_flight 0 waiters
assert_eq "$(counter in_flight 0 object)" "${path/\//}" "the object"
assert_eq "$(counter in_flight 0 kind)" demand "what it is fetched for"
assert_eq "$(counter in_flight 0 bytes)" 4097 "its bytes"
assert_eq "$(counter in_flight 0 mirror)" "$SILENT_URL" "the mirror"
cfs-fetch status "$WORK/objects" >"$WORK/text"
assert_in "under way     ${path/\//} transfer (demand) for " "$WORK/text"
assert_in "0 of 4097 bytes, 2 waiting, from $SILENT_URL" "$WORK/text"
cfs-fetch --status="$WORK/objects" >/dev/null
assert_in "# HELP cfs_prefetch_missed_total " "$WORK/objects/.cfs/metrics"
check metrics-have-help "$WORK/objects/.cfs/metrics"
