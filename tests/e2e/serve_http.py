#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Talk to cfs-serve in raw bytes: what no well-behaved client can be made to do.

    serve_http.py CHECK PORT STORE [ARGUMENT...]

Exits with 0, or says what was wrong.  STORE has been made by "make".
"""
import hashlib
import os
import re
import resource
import socket
import struct
import sys
import time

HOST = "127.0.0.1"
SIZES = {"empty": 0, "one": 1, "small": 4096, "page": 65536, "large": 3_000_001}


def content(name):
    size = SIZES[name]
    block = hashlib.sha256(name.encode()).digest()
    return (block * (size // 32 + 1))[:size]


def digest(name):
    # Not the object's fs-verity digest: cfs-serve --unsealed does not care.
    return hashlib.sha256(b"object " + name.encode()).hexdigest()


def object_path(name):
    return f"objects/{digest(name)[:2]}/{digest(name)[2:]}"


def url(name):
    return "/" + object_path(name)


def make(store):
    for name in SIZES:
        path = os.path.join(store, object_path(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(content(name))
        os.chmod(path, 0o444)
    os.makedirs(os.path.join(store, "images"), exist_ok=True)
    os.symlink("../" + object_path("small"), os.path.join(store, "images", "os"))
    with open(os.path.join(store, "mirror"), "w") as f:
        f.write("zst\n")


class Connection:
    def __init__(self, port, timeout=20):
        self.sock = socket.create_connection((HOST, port), timeout=timeout)
        self.buffer = b""

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode("latin1"))
        return self

    def get(self, target, *fields, method="GET", version="HTTP/1.1"):
        lines = [f"{method} {target} {version}", "Host: test", *fields]
        return self.send("\r\n".join(lines) + "\r\n\r\n")

    def _more(self):
        data = self.sock.recv(65536)
        self.buffer += data
        return bool(data)

    def response(self, head_only=False):
        """(status, {field: value}, body), or None at the end."""
        while b"\r\n\r\n" not in self.buffer:
            if not self._more():
                if self.buffer:
                    raise AssertionError(f"cut inside a head: {self.buffer[:200]!r}")
                return None
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin1").split("\r\n")
        match = re.fullmatch(r"HTTP/1\.1 ([0-9]{3}) [A-Za-z -]+", first)
        assert match, f"odd status line: {first}"
        fields = {}
        for line in lines:
            key, _, value = line.partition(": ")
            assert key.lower() not in fields, f"{key} is sent twice"
            fields[key.lower()] = value
        status = int(match[1])
        length = 0 if head_only or status == 304 else int(fields["content-length"])
        while len(self.buffer) < length:
            if not self._more():
                raise AssertionError(f"{length} bytes announced, {len(self.buffer)} sent")
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return status, fields, body

    def closed(self):
        """Wait for the end; whatever still comes is an error."""
        try:
            return not self.buffer and not self.sock.recv(1)
        except ConnectionResetError:
            return True


def equal(got, wanted, what):
    assert got == wanted, f"{what}: got {got!r}, want {wanted!r}"


def check_ranges(port, _store):
    """Every kind of range, of a file in memory and of one that is not."""
    for name in ("small", "large"):
        data, size, etag = content(name), SIZES[name], f'"{digest(name)}"'
        rows = [
            ("bytes=0-0", (206, 0, 1)),
            ("bytes=0-", (206, 0, size)),
            (f"bytes=0-{size - 1}", (206, 0, size)),
            (f"bytes=0-{size + 5}", (206, 0, size)),
            (f"bytes={size - 1}-", (206, size - 1, 1)),
            ("bytes=100-199", (206, 100, 100)),
            ("bytes=-1", (206, size - 1, 1)),
            (f"bytes=-{size + 1}", (206, 0, size)),
            (f"bytes=-{2**64 + 5}", (206, 0, size)),
            (f"bytes=7-{2**64 + 5}", (206, 7, size - 7)),
            (f"bytes={size}-", (416,)),
            (f"bytes={2**64}-", (416,)),
            (f"bytes={2**64}-{2**64 + 1}", (416,)),
            ("bytes=-0", (416,)),
            ("bytes=2-1", (416,)),
            ("bytes=x", (416,)),
            ("bytes=0-1,3-4", (200, 0, size)),
            ("bytes=" + ",".join("0-" for _ in range(1000)), (200, 0, size)),
            ("bits=0-1", (200, 0, size)),
        ]
        conn = Connection(port)
        for value, wanted in rows:
            status, fields, body = conn.get(url(name), f"Range: {value}").response()
            what = f"{name}, {value[:40]}"
            equal(status, wanted[0], what)
            if status == 416:
                equal(fields["content-range"], f"bytes */{size}", what)
                continue
            _, first, length = wanted
            assert body == data[first:first + length], f"{what}: wrong bytes"
            if status == 206:
                equal(fields["content-range"], f"bytes {first}-{first + length - 1}/{size}", what)
        for value, wanted in ((etag, 206), ('"x"', 200), (f"W/{etag}", 200),
                              ("Wed, 21 Oct 2015 07:28:00 GMT", 200)):
            status, _, _ = conn.get(url(name), "Range: bytes=0-9", f"If-Range: {value}").response()
            equal(status, wanted, f"If-Range: {value}")
    conn.get(url("empty"), "Range: bytes=0-")
    equal(conn.response()[0], 416, "a range of an empty object")
    conn.get(url("empty"))
    equal(conn.response()[2], b"", "an empty object")


def check_fields(port, _store):
    """Entity tags, conditions, HEAD, freshness."""
    conn = Connection(port)
    for name in SIZES:
        etag = f'"{digest(name)}"'
        status, fields, body = conn.get(url(name)).response()
        equal((status, body == content(name)), (200, True), name)
        equal(fields["etag"], etag, "ETag")
        equal(fields["content-type"], "application/octet-stream", "Content-Type")
        equal(fields["accept-ranges"], "bytes", "Accept-Ranges")
        assert "immutable" in fields["cache-control"], fields["cache-control"]
        assert "max-age=31536000" in fields["cache-control"]
        assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", fields["date"])
        for value in (etag, f"W/{etag}", f'"x", {etag}', "*"):
            status, fields, _ = conn.get(url(name), f"If-None-Match: {value}").response()
            equal(status, 304, f"If-None-Match: {value}")
            equal(fields["etag"], etag, "ETag of a 304")
        status, _, _ = conn.get(url(name), 'If-None-Match: "x"').response()
        equal(status, 200, "another tag")
        status, fields, _ = conn.get(url(name), "Range: bytes=0-0", method="HEAD").response(True)
        equal((status, fields["content-length"]), (200, str(SIZES[name])), "HEAD")
    status, fields, body = conn.get("/images/os").response()
    equal((status, body == content("small")), (200, True), "an image")
    equal(fields["etag"], f'"{digest("small")}"', "an image's ETag")
    assert "immutable" not in fields["cache-control"], "an image's name is not immutable"
    status, _, _ = conn.get("/images/os", f'If-None-Match: "{digest("small")}"').response()
    equal(status, 304, "a known image")
    equal(conn.get("/mirror").response()[2], b"zst\n", "/mirror")
    equal(conn.get("/healthz").response()[2], b"ok\n", "/healthz")
    for target in ("/", "/metrics", "/images/none", "/objects/00/" + "0" * 62, "/packs/x",
                   "/profiles/" + "0" * 64, "/zst/00/" + "0" * 62):
        equal(conn.get(target).response()[0], 404, target)


def check_mirror(port, store):
    """Without a file of that name, /mirror names the folders that there are."""
    conn = Connection(port, 30)
    os.rename(f"{store}/mirror", f"{store}/hidden")
    equal(conn.get("/mirror").response()[2], b"composefs-mirror 1\n", "nothing extra")
    for name in ("verity", "profiles", "other"):
        os.mkdir(f"{store}/{name}")
    open(f"{store}/zst", "w", encoding="ascii").close()
    status, fields, body = conn.get("/mirror").response()
    equal((status, body), (200, b"composefs-mirror 1\nprofiles\nverity\n"), "two folders")
    equal(fields["content-type"], "text/plain; charset=utf-8", "its type")
    for name in ("profiles/" + "0" * 64, "profiles/" + "0" * 64 + ".boot"):
        with open(f"{store}/{name}", "wb") as f:
            f.write(name.encode())
        equal(conn.get("/" + name).response()[2], name.encode(), name)
        os.unlink(f"{store}/{name}")
    for name in ("verity", "profiles", "other"):
        os.rmdir(f"{store}/{name}")
    os.unlink(f"{store}/zst")
    os.rename(f"{store}/hidden", f"{store}/mirror")


def check_pipelining(port, _store):
    """A hundred requests in one write; and one request in single bytes."""
    names = list(SIZES) * 20
    conn = Connection(port, 60)
    conn.send("".join(f"GET {url(n)} HTTP/1.1\r\nHost: x\r\n\r\n" for n in names))
    for name in names:
        status, _, body = conn.response()
        equal((status, body == content(name)), (200, True), name)
    request = f"\r\nGET {url('small')} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    for i in range(len(request)):
        conn.send(request[i:i + 1])
    equal(conn.response()[2], content("small"), "byte by byte")
    # A pile of requests that is never read must not be taken in for ever.
    conn = Connection(port)
    conn.sock.settimeout(2)
    request = f"GET {url('large')} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 100
    taken = 0
    try:
        while taken < 64 << 20:
            taken += conn.sock.send(request)
    except (TimeoutError, ConnectionError):
        pass
    assert taken < 64 << 20, "64 MiB of requests were taken without one answer being read"
    # HTTP/1.0 and Connection: close end the connection after the response.
    for version, field in (("HTTP/1.0", "A: b"), ("HTTP/1.1", "Connection: close")):
        conn = Connection(port).get(url("large"), field, version=version)
        status, fields, body = conn.response()
        equal((status, body == content("large")), (200, True), version)
        equal(fields["connection"], "close", "Connection")
        assert conn.closed(), "not closed"


def check_nonsense(port, _store):
    """What is no request is told so, then cut off; the next client is well."""
    rows = [
        (b"\x16\x03\x01\x02\x00\x01\x00", 400),
        (b"GET /\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        (b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 405),
        (b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 413),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -3\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
        (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET /" + b"a" * 3000, 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 9000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 20000 + b"\r\n", 431),
        (b"GET / HTTP/1.1\nHost: x\n\n\r\n\r\n", 400),
    ]
    for request, wanted in rows:
        conn = Connection(port).send(request)
        status, fields, _ = conn.response()
        equal(status, wanted, repr(request[:60]))
        equal(fields["connection"], "close", repr(request[:60]))
        conn.sock.shutdown(socket.SHUT_WR)
        assert conn.closed(), f"not closed after {request[:60]!r}"
    equal(Connection(port).get(url("small")).response()[0], 200, "the next client")


def check_traversal(port, _store):
    """Names that lead out of the store; all 404, and the caller looks at strace."""
    up = "../" * 12
    hexed = "..%2f" * 12
    conn = Connection(port)
    for target in ("/" + up + "etc/passwd", "/objects/" + up + "etc/passwd",
                   "/objects/../../etc/passwd", "/images/../../etc/passwd",
                   "/images/" + hexed + "etc%2fpasswd", "/images/..", "/images/.",
                   "/objects//etc/passwd", "//etc/passwd", "/etc/passwd",
                   "/objects/%2e%2e/%2e%2e/etc/passwd", "/packs/../../etc/passwd",
                   "/profiles/" + "0" * 64 + "/../../etc/passwd",
                   "/profiles/" + "0" * 64 + ".." , "/objects/aa/" + "/" * 62,
                   "/objects/../" + "." * 62, "/objects/aa/" + "../" * 20 + "ab",
                   "http://host/../etc/passwd", "/mirror/../../etc/passwd",
                   "/objects\\..\\etc\\passwd", "/images/%00", "/quarantine/" + "0" * 64):
        equal(conn.get(target).response()[0], 404, target)
    equal(conn.get(url("small")).response()[0], 200, "an object")


def check_late_head(port, _store):
    """Run with --head-timeout=2: a head that drips is cut with a 408 in time."""
    conn = Connection(port)
    started = time.monotonic()
    try:
        for byte in b"GET / HTTP/1.1\r\nHost: " + b"x" * 1000:
            conn.send(bytes([byte]))
            conn.sock.settimeout(0.05)
            try:
                conn.buffer += conn.sock.recv(1000)
                break
            except TimeoutError:
                pass
    except ConnectionError:
        pass
    conn.sock.settimeout(10)
    equal(conn.response()[0], 408, "a late head")
    took = time.monotonic() - started
    assert 1.5 < took < 5, f"cut after {took:.1f} s"


def check_idle(port, _store):
    """Run with --idle-timeout=2: an idle connection is closed without a word."""
    conn = Connection(port).get(url("small"))
    conn.response()
    started = time.monotonic()
    assert conn.closed(), "something was sent to an idle connection"
    took = time.monotonic() - started
    assert 1.5 < took < 5, f"closed after {took:.1f} s"


def check_slow_reader(port, _store):
    """Run with --min-rate=1M: who takes 10 KiB/s is cut."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect((HOST, port))
    sock.sendall(f"GET {url('large')} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    started = time.monotonic()
    got = 0
    try:
        while time.monotonic() - started < 30:
            data = sock.recv(1024)
            if not data:
                break
            got += len(data)
            time.sleep(0.1)
    except ConnectionResetError:
        pass
    took = time.monotonic() - started
    assert got < SIZES["large"], "a slow reader got everything"
    assert took < 20, f"cut only after {took:.1f} s"


def check_patient_reader(port, _store):
    """Run with --min-rate=1K: who is slow, but fast enough, gets everything."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    sock.connect((HOST, port))
    conn = Connection.__new__(Connection)
    conn.sock, conn.buffer = sock, b""
    conn.get(url("large"))
    started = time.monotonic()
    while len(conn.buffer) < SIZES["large"] and time.monotonic() - started < 60:
        assert conn._more(), "cut"
        time.sleep(0.15)
    assert conn.response()[2] == content("large"), "wrong bytes"
    assert time.monotonic() - started > 6, "the test was too fast to mean anything"


def check_idle_crowd(port, _store, count="2500"):
    """Thousands of idle and half-asked connections; then one in a hurry."""
    count = int(count)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100, count + 100))
    crowd = []
    for i in range(count):
        conn = Connection(port)
        if i % 2:
            conn.send("GET /images/os HTT")
        crowd.append(conn)
    fast = Connection(port)
    worst = 0
    for _ in range(500):
        started = time.monotonic()
        equal(fast.get(url("small")).response()[0], 200, "the fast one")
        worst = max(worst, time.monotonic() - started)
    assert worst < 2, f"a request took {worst:.2f} s"
    # All of the crowd still get what they ask for.
    for i, conn in enumerate(crowd):
        conn.send("P/1.1\r\nHost: x\r\n\r\n" if i % 2 else
                  "GET /images/os HTTP/1.1\r\nHost: x\r\n\r\n")
    for conn in crowd:
        equal(conn.response()[0], 200, "one of the crowd")


def check_peer_limit(port, _store, limit="5"):
    """Run with --max-per-client=LIMIT: one more is told so; leaving makes room."""
    limit = int(limit)
    conns = [Connection(port).get("/healthz") for _ in range(limit)]
    for conn in conns:
        equal(conn.response()[0], 200, "within the limit")
    equal(Connection(port).response()[0], 503, "beyond the limit")
    conns.pop().sock.close()
    deadline = time.monotonic() + 5
    while True:
        conn = Connection(port)
        try:
            if conn.get("/healthz").response()[0] == 200:
                return
        except (ConnectionError, AssertionError):
            pass
        assert time.monotonic() < deadline, "the place of one that left was not given away"
        time.sleep(0.05)


def check_aborted_transfers(port, _store):
    """Clients that vanish in the middle, politely and not."""
    for i in range(200):
        conn = Connection(port).get(url("large"))
        conn.sock.recv(1000)
        if i % 2:
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        conn.sock.close()
    equal(Connection(port).get(url("large")).response()[2], content("large"), "the next client")


def check_begin_and_wait(port, _store, ready, go, name="large", rate="0"):
    """Take a part of a transfer, touch READY, wait for GO, take the rest."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.settimeout(30)
    sock.connect((HOST, port))
    conn = Connection.__new__(Connection)
    conn.sock, conn.buffer = sock, b""
    conn.get(url(name))
    conn._more()
    open(ready, "w").close()
    while not os.path.exists(go):
        time.sleep(0.02)
    status, _, body = conn.response()
    equal((status, body == content(name)), (200, True), "the rest of a transfer")
    assert conn.closed(), "kept open by a server that stops"


def main():
    check, *rest = sys.argv[1:]
    if check == "make":
        make(rest[0])
        return
    if check == "url":
        print(url(rest[0]))
        return
    port, store, *more = rest
    try:
        globals()["check_" + check](int(port), store, *more)
    except (AssertionError, OSError) as err:
        sys.exit(f"FAIL: {check}: {err!r}" if isinstance(err, OSError) else f"FAIL: {check}: {err}")


if __name__ == "__main__":
    main()
