#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A mount by URL passes on what is to be fetched ahead: record= writes a record that is
# a profile, profile= takes it, noprefetch fetches nothing, and with complete the tree
# is whole after the mirror is gone.
. "${0%/*}/lib.sh"
need_root
need_fuse

make_tree "$WORK/tree"
make_store "$WORK/origin" "$WORK/tree" tree
start_serve "$WORK/origin"
url=$SERVE_URL/images/tree
options=digest=$IMAGE_DIGEST,tryverity,backend=overlay

# state KEY...: of the status file
state() {
	cfs-fetch status "$WORK/status" --json | python3 -c '
import json, sys
value = json.load(sys.stdin)
for key in sys.argv[1:]:
    value = value[key]
print(value)' "$@"
}
state_is() { [ "$(state "${@:2}")" = "$1" ]; }

mkdir "$WORK/mnt"
mount.composefs "$url" "$WORK/mnt" -o "store=$WORK/a,$options,noprefetch,record=$WORK/record"
cat "$WORK/mnt/large" "$WORK/mnt/size-4097" >/dev/null
umount "$WORK/mnt"
wait_for 10 grep -q demand "$WORK/record"
wait_for 10 test "$(grep -vc '^#' "$WORK/record")" = 2
cfs-fetch report "$WORK/record" >"$WORK/report"
assert_in "for 2 misses" "$WORK/report"

mount.composefs "$url" "$WORK/mnt" -o "store=$WORK/b,$options,profile=$WORK/record,status-file=$WORK/status"
wait_for 20 state_is 2 ahead prefetch fetched
assert_eq "$(state requests misses)" 0 "misses"
umount "$WORK/mnt"

rm "$WORK/status"
mount.composefs "$url" "$WORK/mnt" -o "store=$WORK/b,$options,complete,status-file=$WORK/status"
wait_for 20 state_is complete ahead complete
stop_bg "$SERVE_PID"
check compare-trees --hash "$WORK/tree" "$WORK/mnt"
