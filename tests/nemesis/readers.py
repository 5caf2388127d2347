# SPDX-License-Identifier: GPL-2.0-or-later
"""Processes that read files of a mount in every way a program may, and compare each byte.

A reader is a process of its own, so that it can be killed and so that one that hangs does not
hold the others.  What it has seen stands in memory that it shares with its parent.
"""
import ctypes
import errno
import mmap
import os
import random
import signal
import time

# What an open or a read may fail with while mirrors, disk or fetcher are being hurt.  ENOENT is
# not among them: the image says that the file exists.
ALLOWED = (errno.EIO, errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENOSPC, errno.EDQUOT)
# While there is no fetcher, or no mount.
ALLOWED_WITHOUT_FETCHER = ALLOWED + (errno.ENOTCONN, errno.ECONNABORTED, errno.ENOENT)


class Seen(ctypes.Structure):
    """One reader's account; @since_ms is when the operation under way began, or 0."""
    _fields_ = [("reads", ctypes.c_uint64), ("bytes", ctypes.c_uint64),
                ("errors", ctypes.c_uint64), ("wrong", ctypes.c_uint64),
                ("forbidden", ctypes.c_uint64), ("since_ms", ctypes.c_uint64),
                ("what", ctypes.c_char * 200)]


def now_ms():
    return int(time.monotonic() * 1000)


class Account:
    """A Seen that a child writes and the parent reads."""

    def __init__(self):
        self.memory = mmap.mmap(-1, ctypes.sizeof(Seen))
        self.seen = Seen.from_buffer(self.memory)


def read_whole(path, want, dice):
    with open(path, "rb", buffering=0) as f:
        got = bytearray()
        while piece := f.read(dice.choice((1 << 16, 1 << 20, 5000))):
            got += piece
    return got == want


def read_parts(path, want, dice):
    with open(path, "rb", buffering=0) as f:
        for _ in range(12):
            at = dice.randrange(len(want) + 1)
            n = dice.choice((1, 4096, 70000))
            if os.pread(f.fileno(), n, at) != want[at:at + n]:
                return False
    return True


def read_mapped(path, want, dice):
    if not want:
        return os.stat(path).st_size == 0
    with open(path, "rb", buffering=0) as f, \
            mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as pages:
        for _ in range(20):
            at = dice.randrange(len(want))
            if pages[at:at + 5000] != want[at:at + 5000]:
                return False
    return True


def read_sent(path, want, dice):
    with open(path, "rb", buffering=0) as f, open("/dev/null", "wb", buffering=0) as null:
        sent = 0
        while n := os.sendfile(null.fileno(), f.fileno(), sent, 1 << 20):
            sent += n
    return sent == len(want)


def read_interrupted(path, want, dice):
    """With a timer whose handled signal arrives all the time."""
    signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
    try:
        return read_whole(path, want, dice)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


WAYS = (read_whole, read_whole, read_parts, read_mapped, read_sent, read_interrupted)


class Readers:
    """@number processes that read @files, pairs of a path and its true bytes."""

    def __init__(self, number, files, seed):
        self.accounts = [Account() for _ in range(number)]
        self.files, self.seed = files, seed
        self.fetcher_gone = ctypes.c_uint64.from_buffer(mmap.mmap(-1, 8))
        self.stop = ctypes.c_uint64.from_buffer(mmap.mmap(-1, 8))
        self.pids = [self.start(i) for i in range(number)]

    def start(self, i):
        pid = os.fork()
        if pid == 0:
            try:
                self.work(i)
            finally:
                os._exit(0)
        return pid

    def work(self, i):
        signal.signal(signal.SIGALRM, lambda *_: None)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        dice = random.Random(self.seed * 1000 + i + now_ms() * (self.accounts[i].seen.reads > 0))
        while not self.stop.value:
            path, want = dice.choice(self.files)
            self.one(self.accounts[i].seen, dice.choice(WAYS), path, want, dice)

    def one(self, seen, way, path, want, dice):
        seen.what = f"{way.__name__} {path}".encode()[-199:]
        seen.since_ms = now_ms()
        gone = self.fetcher_gone.value
        try:
            right = way(path, want, dice)
        except OSError as err:
            seen.errors += 1
            allowed = ALLOWED_WITHOUT_FETCHER if gone or self.fetcher_gone.value else ALLOWED
            if err.errno not in allowed:
                seen.forbidden += 1
                print(f"FORBIDDEN {errno.errorcode.get(err.errno)}: {seen.what.decode()}", flush=True)
            time.sleep(0.02)
        else:
            seen.reads += 1
            seen.bytes += len(want)
            if not right:
                seen.wrong += 1
                print(f"WRONG BYTES: {seen.what.decode()}", flush=True)
        seen.since_ms = 0

    def kill_one(self, dice):
        """SIGKILL: it must be gone, whatever its open waits for; another one takes its place."""
        i = dice.randrange(len(self.pids))
        os.kill(self.pids[i], signal.SIGKILL)
        if not self.reap(self.pids[i], 10):
            print(f"HUNG: killed reader of {self.accounts[i].seen.what.decode()}", flush=True)
            return False
        self.accounts[i].seen.since_ms = 0
        self.pids[i] = self.start(i)
        return True

    @staticmethod
    def reap(pid, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if os.waitpid(pid, os.WNOHANG)[0]:
                return True
            time.sleep(0.01)
        return False

    def slowest_ms(self):
        waits = [now_ms() - a.seen.since_ms for a in self.accounts if a.seen.since_ms]
        return max(waits, default=0)

    def end(self, seconds):
        """All stop by themselves within that time; returns how many do not."""
        self.stop.value = 1
        hung = 0
        for i, pid in enumerate(self.pids):
            if not self.reap(pid, seconds):
                hung += 1
                print(f"HUNG: {self.accounts[i].seen.what.decode()}", flush=True)
                os.kill(pid, signal.SIGKILL)
        return hung

    def total(self, field):
        return sum(getattr(a.seen, field) for a in self.accounts)
