#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 300
#
# N35 and N36 of the fault matrix: a crowd of readers of one cold object causes one
# download; as many cold objects at once come over a bounded number of connections, in
# bounded memory.  The matrix says 10,000, which takes minutes: CFS_CROWD=10000.
. "${0%/*}/lib.sh"
. "$E2E/fault_lib.sh"
CROWD=${CFS_CROWD:-1500}

start_faultd A

fault "N35 $CROWD readers of one cold object"
client --mirror "$A" --first-byte-timeout=120 --deadline=200
kill -STOP "$A_PID"
fault_client crowd "$MNT" "$WORK/origin" "$CROWD" "${OBJECTS[0]}" &
readers=$!
waiting() { [ "$(fault_client status "$MNT" requests waiting)" -ge "$CROWD" ]; }
wait_for 100 waiting
kill -CONT "$A_PID"
wait "$readers" || fail "$FAULT"
assert_eq "$(seen "$A" gets)" 1 "$FAULT: GETs"
done_with "$FAULT"

mkdir "$WORK/many"
python3 - "$WORK/many" "$CROWD" <<'END'
import random, sys
random.seed(36)
for i in range(int(sys.argv[2])):
    open(f"{sys.argv[1]}/{i}", "wb").write(random.randbytes(500 + i))
END
rm -rf "$WORK/origin"
make_store "$WORK/origin" "$WORK/many" os
composefs-info objects "$WORK/origin/images/os" >"$WORK/names"
assert_eq "$(wc -l <"$WORK/names")" "$CROWD" "objects"
metrics_port=$(free_port)
start_serve "$WORK/origin" --metrics="127.0.0.1:$metrics_port"

fault "N36 $CROWD cold objects at once"
client --mirror "$SERVE_URL" --connections=40 --deadline=200
xargs python3 "$E2E/fault_client.py" crowd "$MNT" "$WORK/origin" "$CROWD" <"$WORK/names" ||
	fail "$FAULT"
made=$(curl -sf "http://127.0.0.1:$metrics_port/metrics" |
	awk '$1 == "cfs_serve_connections_total" { print $2 }')
[ "$made" -le 100 ] || fail "$FAULT: $made connections were made"
done_with "$FAULT"
