#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""raw_open.py PATH [--storm]: one open(2) and one read(2), without retries.

With --storm the process gets SIGALRM, SIGURG and SIGCHLD a thousand times a second
meanwhile, all of them handled, with SA_RESTART.  Prints "ok BYTES" or the errno, and
how many signals were sent.
"""
import ctypes
import errno
import os
import signal
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)


def storm():
    """Send signals to our parent until it is gone or kills us."""
    parent = os.getppid()
    n = 0
    while os.getppid() == parent:
        for number in (signal.SIGALRM, signal.SIGURG, signal.SIGCHLD):
            os.kill(parent, number)
        n += 1
        time.sleep(0.001)


def main():
    child = None
    if "--storm" in sys.argv:
        for number in (signal.SIGALRM, signal.SIGURG, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
            signal.siginterrupt(number, False)
        child = os.fork()
        if child == 0:
            storm()
            os._exit(0)
    fd = libc.open(os.fsencode(sys.argv[1]), os.O_RDONLY)
    error = ctypes.get_errno()
    n = -1
    if fd >= 0:
        buf = ctypes.create_string_buffer(1 << 22)
        n = libc.read(fd, buf, len(buf))
        error = ctypes.get_errno()
    if child:
        os.kill(child, signal.SIGKILL)
    print(f"ok {n}" if n >= 0 else errno.errorcode[error], flush=True)


main()
