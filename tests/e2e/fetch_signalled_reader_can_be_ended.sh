#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A reader that waits for a silent mirror and has a handled signal pending is ended all
# the same by every signal that ends a process by default, sent to the process or to
# the thread that waits, in both trees and in a read of a large object.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_fs erofs
need_fs overlay
need_prog cfs-fetch mkcomposefs cfs-store

mkdir "$WORK/tree"
head -c $((24 << 20)) /dev/urandom >"$WORK/tree/big"
head -c 4097 /dev/urandom >"$WORK/tree/small"
make_origin
cfs-store trees "$ORIGIN" >/dev/null
new_store "$WORK/store"
start_mirror
start_fetch "$WORK/store" "$WORK/objects" --partial-reads --mirror "$SERVE_URL" \
	--first-byte-timeout 100 --hard
mount_lazily "$WORK/store"
cmp -n 10 "$WORK/tree/big" "$WORK/mnt/big"
kill -STOP "$SERVE_PID"
at_exit kill -CONT "$SERVE_PID"
ulimit -c 0

# In each of them a thread waits; the first signal is handled, the second is not.
cat >"$WORK/signals.py" <<'END'
import json, os, signal, sys, threading, time

status, raw, overlay, big = sys.argv[1:]
handled = (signal.SIGALRM, signal.SIGUSR1, signal.SIGURG)

def waiting():
    return json.load(open(status))["requests"]["waiting"]

def wait_until(what, seconds=20):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            sys.exit("waited in vain")
        time.sleep(0.005)

def read(how, path):
    fd = os.open(path, os.O_RDONLY)
    os.pread(fd, 10, 12345678 if how == "big" else 0)

def reader(how, path, n_threads, ready):
    """Never returns.  Tells the ids of the threads that wait."""
    for number in handled:
        signal.signal(number, lambda *a: None)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    def run():
        os.write(ready, f"{threading.get_native_id()}\n".encode())
        read(how, path)
        os._exit(3)
    for i in range(n_threads - 1):
        threading.Thread(target=run).start()
    run()

def thread_kill(pid, tid, number):
    libc.syscall(234, pid, tid, int(number))	# tgkill

import ctypes, platform
libc = ctypes.CDLL(None)
places = {"raw": raw, "overlay": overlay, "big": big}
if platform.machine() != "x86_64":
    thread_kill = lambda pid, tid, number: os.kill(pid, number)
cases = []
for how in places:
    cases += [(how, 1, number, False) for number in
              ("TERM", "INT", "HUP", "USR2", "QUIT", "VTALRM", "RTMIN", "KILL")]
    cases += [(how, 3, "TERM", False), (how, 3, "KILL", False),
              (how, 1, "HUP", True)]
    # Threads that wait for a page which another one has asked for are not known.
    if how != "big":
        cases += [(how, 3, "TERM", True)]
late = []
for how, n, number, to_thread in cases:
    get, put = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(get)
        reader(how, places[how], n, put)
    os.close(put)
    text = b""
    while text.count(b"\n") < n:
        text += os.read(get, 1000)
    tids = [int(word) for word in text.split()]
    # Openers of one file queue up in overlayfs, readers of one page in the cache.
    wait_until(lambda: waiting() >= (n if how == "raw" else 1))
    for tid in tids:
        thread_kill(pid, tid, signal.SIGURG)
        thread_kill(pid, tid, signal.SIGALRM)
    time.sleep(0.05)
    wait_until(lambda: waiting() >= 1)
    end = getattr(signal, "SIG" + number)
    begun = time.monotonic()
    if to_thread:
        thread_kill(pid, tids[-1], end)
    else:
        os.kill(pid, end)
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        if time.monotonic() > begun + 5:
            late.append(f"{how}: {n} threads, {number}, to a thread: {to_thread}")
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            break
        time.sleep(0.002)
    else:
        print(f"{how} {n} {number}: {(time.monotonic() - begun) * 1000:.0f} ms")
    os.close(get)
    wait_until(lambda: waiting() == 0)
if late:
    sys.exit("still there after 5 s:\n" + "\n".join(late))
END
python3 "$WORK/signals.py" "$WORK/objects/.cfs/status.json" "$WORK/objects/$(path_of small)" \
	"$WORK/mnt/small" "$WORK/mnt/big"
