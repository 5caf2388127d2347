#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Crowds that take all places of cfs-serve, and those who come after them.

    serve_crowd.py CHECK PORT METRICS-PORT STORE MAX

The server runs with --max-connections=MAX.  Every address of 127.0.0.0/8 is a client.
"""
import os
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from serve_http import Connection, equal, object_path, url  # noqa: E402

NEWCOMER = "127.9.9.9"


class Client(Connection):
    def __init__(self, port, address, window=0):
        self.sock = socket.socket()
        self.sock.settimeout(20)
        if window:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.sock.bind((address, 0))
        self.sock.connect(("127.0.0.1", port))
        self.buffer = b""


def crowd(port, count, addresses=3, send=b"", window=0):
    """COUNT connections that have sent something and then do nothing."""
    conns = []
    for i in range(count):
        conn = Client(port, f"127.0.1.{1 + i % addresses}", window)
        try:
            conn.send(send)
        except OSError:
            pass        # it has given way to those after it
        conns.append(conn)
    return conns


def served(port, what, target="/healthz", n=10):
    """Newcomers, one after the other, each served at once."""
    for i in range(n):
        started = time.monotonic()
        conn = Client(port, NEWCOMER)
        equal(conn.get(target, "Connection: close").response()[0], 200, f"newcomer {i} beside {what}")
        assert time.monotonic() - started < 10, f"newcomer {i} waited beside {what}"


def check_waiting(port, metrics, _store, limit):
    """Whatever a crowd waits for, newcomers are served."""
    loyal = Client(port, "127.8.8.8").get(url("small"))
    equal(loyal.response()[0], 200, "the first")
    get = b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % url("huge").encode()
    for what, send, window in (("connections without a word", b"", 0),
                               ("idle ones", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 0),
                               ("half requests", b"GET /healthz HTTP/1.1\r\nX: ", 0),
                               ("readers that do not read", get, 4096),
                               ("refused ones that stay", b"nonsense\r\n\r\n", 0)):
        conns = crowd(port, 3 * limit, send=send, window=window)
        served(port, what)
        served(port, what, url("small"))
        served(metrics, what, "/metrics")
        for conn in conns:
            conn.sock.close()
    # It has fewer connections than any of the crowd's peers.  Each worker looks at its own
    # connections only, so among several the idle client may be all that one of them has.
    if os.environ["WORKERS"] == "1":
        equal(loyal.get(url("small")).response()[0], 200, "an idle client of its own address")


def check_monitors(_port, metrics, _store, _limit):
    """Those who watch have places, even beside a crowd of their own."""
    conns = crowd(metrics, 60)
    served(metrics, "idle ones on its socket", "/metrics")
    for conn in conns:
        conn.sock.close()


def check_busy(port, metrics, _store, limit):
    """Responses that make progress stay; who finds no place is told so, and /healthz answers."""
    conns = [Client(port, f"127.0.2.{1 + i}", 65536).get(url("huge")) for i in range(limit)]
    got = [0] * limit

    def read(i):
        try:
            while data := conns[i].sock.recv(4096):
                got[i] += len(data)
                time.sleep(0.01)        # some 400 KiB a second
        except OSError:
            pass

    for i in range(limit):
        threading.Thread(target=read, args=(i,), daemon=True).start()
    time.sleep(2.5)         # beyond this, a response without progress would be slow
    equal(Client(port, NEWCOMER).get(url("small")).response()[0], 503, "one too many")
    equal(Client(port, NEWCOMER).get("/healthz").response()[0], 200, "/healthz beside busy ones")
    served(metrics, "busy ones", "/metrics", 3)
    # More than was under way: none was cut.
    deadline = time.monotonic() + 30
    for i, before in enumerate(list(got)):
        while got[i] < before + (256 << 10):
            assert time.monotonic() < deadline, f"busy reader {i} gets no more"
            time.sleep(0.05)
    for conn in conns:
        conn.sock.shutdown(socket.SHUT_RDWR)


def check_unfair(port, _metrics, _store, limit):
    """A peer with many busy connections loses some to others, and not its last."""
    conns = [Client(port, "127.0.3.1", 65536).get(url("huge")) for _ in range(limit)]
    for conn in conns:
        conn.sock.recv(1000)
    for i in range(5):
        conn = Client(port, f"127.0.4.{1 + i}").get(url("small"))
        equal(conn.response()[0], 200, "a peer with one connection")


def check_reset(port, metrics, _store, _limit):
    """Clients that reset right after their request."""
    for _ in range(50):
        conn = Client(port, NEWCOMER).get("/healthz")
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        conn.sock.close()
    # An answer for those that were accepted after their reset, too.
    served(port, "those that were reset", n=1)
    served(metrics, "those that were reset", "/metrics", 1)


def check_make(_port, _metrics, store, _limit):
    """More than any socket's buffer takes."""
    path = os.path.join(store, object_path("huge"))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.truncate(64 << 20)


if __name__ == "__main__":
    globals()["check_" + sys.argv[1]](int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
