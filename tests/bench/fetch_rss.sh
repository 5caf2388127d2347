#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# fetch_rss.sh: resident memory of cfs-fetch with an allow list of 100,000 objects, before
# and during 100 transfers that stand still in the middle of 1 MiB objects.
#
# Printed is RssAnon + RssShmem of /proc/PID/status: what the process holds beyond the
# files (program and libraries) that it maps; and VmRSS, which has those too.
. "${0%/*}/../e2e/lib.sh"
# shellcheck source=tests/e2e/lazy.sh
. "$E2E/lazy.sh"
need_root
need_fuse
need_prog cfs-fetch mkcomposefs cfs-store

# 100,000 files, each with a digest of its own, that nobody has.
python3 - >"$WORK/dump" <<'END'
import hashlib
print("/ 0 40755 2 0 0 0 0.0 - - -")
for i in range(1000):
    print(f"/{i:03} 0 40755 2 0 0 0 0.0 - - -")
    for j in range(100):
        d = hashlib.sha256(f"{i}/{j}".encode()).hexdigest()
        print(f"/{i:03}/{j:02} 1048576 100644 1 0 0 0 0.0 {d[:2]}/{d[2:]} - {d}")
END
mkcomposefs --from-file "$WORK/dump" "$WORK/image"
mkdir -p "$WORK/store/objects" "$WORK/store/images"
cfs-store import "$WORK/store" "$WORK/image" big >/dev/null

port=$(free_port)
start_bg "$WORK/mirror.log" python3 -c '
import socket, sys, threading
def serve(c):
    c.recv(65536)
    c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n" + bytes(524288))
    c.recv(1)
threading.stack_size(65536)
s = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=1024)
while True:
    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()' "$port"
wait_port "$port"
start_fetch "$WORK/store" "$WORK/objects" --mirror "http://127.0.0.1:$port" \
	--transfers 100 --connections 100 --stall-timeout 60 --hard

show() {
	awk -v what="$1" '/^(RssAnon|RssShmem):/ { own += $2 } /^VmRSS:/ { all = $2 }
		END { printf "%-32s %6.1f MiB own, %6.1f MiB with files\n", what, own / 1024, all / 1024 }' \
		"/proc/$FETCH_PID/status"
}
show "idle, 100,000 objects"
awk '$3 == "100644" && n++ < 100 { print $9 }' "$WORK/dump" >"$WORK/names"
start_bg "$WORK/readers.log" python3 -c '
import sys, threading
threading.stack_size(65536)
for name in open(sys.argv[2]):
    threading.Thread(target=open, args=(sys.argv[1] + "/" + name.strip(),), daemon=True).start()
threading.Event().wait()' "$WORK/objects" "$WORK/names"
received() { [ "$(counter fetches in_flight)" = 100 ] && [ "$(counter requests waiting)" = 100 ]; }
wait_for 30 received
sleep 2
show "100 transfers, half received"
