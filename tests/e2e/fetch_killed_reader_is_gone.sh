#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A reader that waits for a silent mirror is gone within 100 ms of SIGKILL, SIGTERM or
# SIGABRT, in both trees; the last one to go cancels the download.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_fs erofs
need_fs overlay
need_prog cfs-fetch mkcomposefs cfs-store

make_origin
new_store "$WORK/store"
silent_mirror
start_fetch "$WORK/store" "$WORK/objects" --mirror "$SILENT_URL" --hard
mount_lazily "$WORK/store"
ulimit -c 0

# dies_in_time SIGNAL PATH
dies_in_time() {
	python3 - "$1" "$2" "$WORK/objects/.cfs/status.json" <<'END'
import json, signal, subprocess, sys, time
def waiting():
    return json.load(open(sys.argv[3]))["requests"]["waiting"]
number = getattr(signal, "SIG" + sys.argv[1])
worst = 0
for attempt in range(20):
    reader = subprocess.Popen(["cat", sys.argv[2]], stdout=subprocess.DEVNULL)
    while waiting() != 1:
        time.sleep(0.002)
    start = time.monotonic()
    reader.send_signal(number)
    reader.wait(30)
    worst = max(worst, time.monotonic() - start)
    while waiting() != 0:
        time.sleep(0.002)
print(f"{sys.argv[1]} {sys.argv[2]}: gone after at most {worst * 1000:.1f} ms")
sys.exit(worst > 0.1)
END
}
for signal in KILL TERM ABRT; do
	dies_in_time "$signal" "$WORK/objects/$(path_of large)"
	dies_in_time "$signal" "$WORK/mnt/size-4097"
done
wait_for 5 counter_is 0 requests waiting
wait_for 5 counter_is 0 fetches in_flight
assert_eq "$(counter fetches queued)" 0 "fetches left"
assert_eq "$(counter requests gone)" 120 "readers that died waiting"
assert_eq "$(counter fetches cancelled)" 120 "fetches cancelled"

# One of two goes: the other one still waits.
cat "$WORK/objects/$(path_of large)" >/dev/null & one=$!
cat "$WORK/objects/$(path_of large)" >/dev/null & two=$!
wait_for 5 counter_is 2 requests waiting
kill -KILL "$one"
wait_for 1 counter_is 1 requests waiting
assert_eq "$(counter fetches cancelled)" 120 "fetches cancelled"
kill -KILL "$two"
