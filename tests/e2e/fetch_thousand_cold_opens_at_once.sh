#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A thousand threads open a thousand cold objects at once: all get their bytes, over a
# bounded number of connections and with little memory.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_prog cfs-fetch cfs-serve mkcomposefs cfs-store

mkdir "$WORK/tree"
python3 - "$WORK/tree" <<'END'
import random, sys
random.seed(5)
for i in range(1000):
    with open(f"{sys.argv[1]}/{i:04}", "wb") as f:
        f.write(random.randbytes(1000 + 37 * i))
END
make_origin
new_store "$WORK/store"
start_mirror
start_fetch "$WORK/store" "$WORK/objects" --mirror "$SERVE_URL" --connections 20
composefs-info objects "$ORIGIN/images/tree" >"$WORK/names"
assert_eq "$(wc -l <"$WORK/names")" 1000 "objects"
kill -STOP "$SERVE_PID"
python3 - "$WORK/objects" "$ORIGIN/objects" "$WORK/names" <<'END' &
import sys, threading
mount, origin, names = sys.argv[1:]
names = open(names).read().split()
wrong = []
def read(name):
    try:
        if open(f"{mount}/{name}", "rb").read() != open(f"{origin}/{name}", "rb").read():
            wrong.append(name)
    except OSError as e:
        wrong.append(f"{name}: {e}")
threading.stack_size(65536)
threads = [threading.Thread(target=read, args=(n,)) for n in names]
for t in threads:
    t.start()
for t in threads:
    t.join()
for line in wrong[:10]:
    print(line)
sys.exit(bool(wrong))
END
readers=$!
wait_for 20 counter_is 1000 requests waiting
kill -CONT "$SERVE_PID"
wait "$readers" || fail "not all were read"
assert_gets 1000
assert_eq "$(counter fetches objects)" 1000 "objects fetched"
peak_kib=$(awk '/VmHWM/ { print $2 }' "/proc/$FETCH_PID/status")
echo "peak resident memory: $peak_kib KiB, libraries included"
[ -n "${CFS_SANITIZED:-}" ] || [ "$peak_kib" -lt 65536 ] || fail "too much memory"
