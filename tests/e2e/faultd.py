#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An HTTP server of objects that misbehaves by rule.

    faultd.py --store STORE [--listen PORT] [--seed N] [--log FILE] [RULE]...

A rule is "REGEX ACTION [KEY=VALUE]...".  The first whose REGEX is found in the
request's target, and whose conditions hold, decides; without one the object is
served as it is.  Conditions:

    p=0.5       with this probability (seeded, so a run can be repeated)
    nth=1,3     only for these requests that the REGEX matches, from 1
    first=2     only for the first two of them
    per=url     count for each URL by itself

A request for /mirror is answered with 404, and counts nowhere, unless the REGEX of some
rule has that word in it.

Actions, with their arguments:

    ok                      as if there were no rule
    close                   closes the connection without an answer
    silent                  reads the request and says nothing, for ever
    slow s=5                answers after that many seconds
    drip-head s=1           a line of the head each s seconds
    drip-body bps=1         the body, one byte at a time
    rate bps=1000000        the right answer, at that many bytes a second
    trickle s=60 late=0     after so long the head, then what was asked for, ranges too, in
                            so many seconds
    rst-head, rst-body      resets before the head, or in the middle of the body
    short                   half the body, then the end; Content-Length is right
    short-nolength          half the body, no Content-Length, then the end
    long n=1                n bytes more than the object has
    endless                 a chunked body without end
    length v=-5             this Content-Length
    two-lengths             two of them, that differ
    flip at=0               one byte is wrong, there or in the middle
    portal                  200 and a page of HTML
    gzip, bomb              a gzip body that was not asked for; 1 GiB of zeros
    status code=404 [retry=3600]
    redirect to=URL         {path} in it is the request's
    redirect-loop           to itself, for ever
    header-line n=2000000   one line of the head is that long
    header-lines n=20000
    interim n=20000         so many 103 answers before the right one
    http09, garbage, nul    no HTTP, a status line that is none, NUL in a field
    no-range                200 and everything, although a range was asked for
    wrong-range             206 with another range than asked for
    no-satisfy              416
    range-status code=400   that status, if a range was asked for

Control, on the same port:

    GET  /-/stats           {"gets": {URL: n}, "actions": {...}, "open": n, "peak": n,
                             "bytes": n, "busiest": n}
    POST /-/rules           the body replaces all rules, one a line
    POST /-/reset           forgets the statistics
"""
import argparse
import asyncio
import collections
import gzip
import json
import random
import re
import socket
import ssl
import struct
import sys
import time
import zlib
from pathlib import Path

OBJECT = re.compile(r"/objects/([0-9a-f]{2})/([0-9a-f]{62})")
IMAGE = re.compile(r"/images/([A-Za-z0-9][A-Za-z0-9._-]{0,127})")
EXTRA = re.compile(r"/(mirror|(?:profiles|packs)/[0-9a-f]{64}(?:\.[A-Za-z0-9._-]+)?|"
                   r"(?:verity|zst)/[0-9a-f]{2}/[0-9a-f]{62})")
REASONS = {200: "OK", 206: "Partial Content", 302: "Found", 404: "Not Found",
           416: "Range Not Satisfiable", 429: "Too Many Requests",
           500: "Internal Server Error", 503: "Service Unavailable"}


class Rule:
    def __init__(self, text):
        regex, self.action, *rest = text.split()
        self.regex = re.compile(regex)
        self.args = dict(word.split("=", 1) for word in rest)
        self.counts = collections.Counter()
        if not hasattr(Answer, "do_" + self.action.replace("-", "_")):
            raise ValueError(f"no such action: {self.action}")

    def applies(self, target, dice):
        if not self.regex.search(target):
            return False
        key = target if self.args.get("per") == "url" else None
        self.counts[key] += 1
        count = self.counts[key]
        if "nth" in self.args and str(count) not in self.args["nth"].split(","):
            return False
        if "first" in self.args and count > int(self.args["first"]):
            return False
        return "p" not in self.args or dice.random() < float(self.args["p"])


class Answer:
    """One answer to one request.  Each do_ method is an action of a rule."""

    def __init__(self, server, reader, writer, method, target, fields):
        self.server, self.reader, self.writer = server, reader, writer
        self.method, self.target, self.fields = method, target, fields
        self.body = server.find(target)
        self.keep = fields.get("connection", "").lower() != "close"
        self.bytes = 0
        self.bps = None

    def head(self, status, *fields, length=None):
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Whatever')}", *fields]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin1"))

    async def write(self, data):
        step = max(self.bps // 20, 1) if self.bps else max(len(data), 1)
        for at in range(0, len(data), step):
            piece = data[at:at + step]
            self.writer.write(piece)
            self.bytes += len(piece)
            self.server.bytes += len(piece)
            await self.writer.drain()
            if self.bps:
                await asyncio.sleep(0.05)

    async def whole(self, status, body, *fields):
        self.head(status, *fields, length=len(body))
        if self.method != "HEAD":
            await self.write(body)

    def reset(self):
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()
        self.keep = False

    def asked_for(self):
        """Status, bytes and a field of the answer to this request."""
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.fields.get("range", ""))
        size = len(self.body)
        if match and int(match[1]) < size:
            first = int(match[1])
            last = min(int(match[2] or size - 1), size - 1)
            return (206, self.body[first:last + 1],
                    f"Content-Range: bytes {first}-{last}/{size}")
        return 200, self.body, "Accept-Ranges: bytes"

    async def do_ok(self):
        if self.body is None:
            await self.whole(404, b"not here\n")
            return
        await self.whole(*self.asked_for())

    async def do_trickle(self, s="60", late="0"):
        status, body, field = self.asked_for()
        await asyncio.sleep(float(late))
        self.head(status, field, length=len(body))
        pieces = max(1, round(float(s) / 0.2))
        step = len(body) // pieces + 1
        for i in range(0, len(body), step):
            await self.write(body[i:i + step])
            await asyncio.sleep(0.2)

    async def do_close(self):
        self.keep = False

    async def do_silent(self):
        self.keep = False
        await self.gone()

    async def gone(self):
        """Wait until the client has had enough."""
        while await self.reader.read(65536):
            pass

    async def do_slow(self, s="5"):
        await asyncio.sleep(float(s))
        await self.do_ok()

    async def do_drip_head(self, s="1"):
        self.keep = False
        self.writer.write(b"HTTP/1.1 200 OK\r\n")
        for i in range(1000):
            await self.writer.drain()
            await asyncio.sleep(float(s))
            self.writer.write(b"X-%d: drip\r\n" % i)

    async def do_drip_body(self, bps="1"):
        self.keep = False
        self.head(200, length=len(self.body))
        for i in range(len(self.body)):
            await self.write(self.body[i:i + 1])
            await asyncio.sleep(1 / float(bps))

    async def do_rate(self, bps="1000000"):
        self.bps = int(bps)
        await self.do_ok()

    async def do_rst_head(self):
        self.reset()

    async def do_rst_body(self):
        self.head(200, length=len(self.body))
        await self.write(self.body[:len(self.body) // 2])
        await asyncio.sleep(0.05)
        self.reset()

    async def do_short(self):
        self.keep = False
        self.head(200, length=len(self.body))
        await self.write(self.body[:len(self.body) // 2])

    async def do_short_nolength(self):
        self.keep = False
        self.head(200, "Connection: close")
        await self.write(self.body[:len(self.body) // 2])

    async def do_long(self, n="1"):
        await self.whole(200, self.body + b"x" * int(n))

    async def do_endless(self):
        self.keep = False
        self.head(200, "Transfer-Encoding: chunked")
        while True:
            await self.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")

    async def do_length(self, v="-5"):
        self.keep = False
        self.head(200, length=v)
        await self.write(self.body)
        await self.gone()

    async def do_two_lengths(self):
        self.keep = False
        self.head(200, "Content-Length: 5", length=len(self.body))
        await self.write(self.body)

    async def do_flip(self, at=None):
        at = len(self.body) // 2 if at is None else int(at)
        body = bytearray(self.body)
        body[at] ^= 1
        await self.whole(200, bytes(body))

    async def do_portal(self):
        page = b"<html><title>Welcome</title>Please log in to use this network.</html>"
        await self.whole(200, page, "Content-Type: text/html")

    async def do_gzip(self):
        await self.whole(200, gzip.compress(self.body), "Content-Encoding: gzip")

    async def do_bomb(self):
        self.keep = False
        self.head(200, "Content-Encoding: gzip", "Transfer-Encoding: chunked")
        deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
        for _ in range(1024):
            data = deflate.compress(bytes(1 << 20))
            if data:
                await self.write(b"%x\r\n%s\r\n" % (len(data), data))
        await self.write(b"0\r\n\r\n")

    async def do_status(self, code="404", retry=None):
        fields = [f"Retry-After: {retry}"] if retry is not None else []
        await self.whole(int(code), b"no\n", *fields)

    async def do_redirect(self, to=""):
        await self.whole(302, b"there\n", "Location: " + to.replace("{path}", self.target))

    async def do_redirect_loop(self):
        await self.whole(302, b"here\n", "Location: " + self.target)

    async def do_header_line(self, n="2000000"):
        self.keep = False
        await self.write(b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * int(n) + b"\r\n")
        await self.write(b"Content-Length: %d\r\n\r\n%s" % (len(self.body), self.body))

    async def do_header_lines(self, n="20000"):
        self.keep = False
        await self.write(b"HTTP/1.1 200 OK\r\n")
        for i in range(int(n)):
            await self.write(b"X-Field-%d: %s\r\n" % (i, b"b" * 50))
        await self.write(b"Content-Length: %d\r\n\r\n%s" % (len(self.body), self.body))

    async def do_interim(self, n="20000"):
        self.keep = False
        for _ in range(int(n)):
            await self.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n")
        await self.do_ok()

    async def do_http09(self):
        self.keep = False
        await self.write(self.body)

    async def do_garbage(self):
        self.keep = False
        await self.write(b"HTTP/9.9 abc\r\n\r\n")

    async def do_nul(self):
        self.keep = False
        await self.write(b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: %d\r\n\r\n%s" %
                         (len(self.body), self.body))

    async def do_no_range(self):
        await self.whole(200, self.body)

    async def do_wrong_range(self):
        size = len(self.body)
        await self.whole(206, self.body[:size // 4],
                         f"Content-Range: bytes 0-{size // 4 - 1}/{size}")

    async def do_no_satisfy(self):
        await self.whole(416, b"", f"Content-Range: bytes */{len(self.body)}")

    async def do_range_status(self, code="400"):
        if "range" in self.fields:
            await self.whole(int(code), b"no\n")
        else:
            await self.whole(200, self.body)


class Server:
    def __init__(self, args):
        self.store = Path(args.store)
        self.rules = [Rule(text) for text in args.rule]
        self.dice = random.Random(args.seed)
        self.log = open(args.log, "a", buffering=1) if args.log else None
        self.open = 0
        self.reset()

    def reset(self):
        self.gets = collections.Counter()
        self.actions = collections.Counter()
        self.busy = collections.Counter()
        self.busiest = 0
        self.peak = self.open
        self.bytes = 0

    def find(self, target):
        """The bytes of an object, an image or what else a mirror has, or None."""
        try:
            if match := OBJECT.fullmatch(target):
                return (self.store / "objects" / match[1] / match[2]).read_bytes()
            if match := IMAGE.fullmatch(target):
                return (self.store / "images" / match[1]).read_bytes()
            if match := EXTRA.fullmatch(target):
                return (self.store / match[1]).read_bytes()
        except FileNotFoundError:
            pass
        return None

    def choose(self, target):
        for rule in self.rules:
            if rule.applies(target, self.dice):
                return rule.action, {k: v for k, v in rule.args.items()
                                     if k not in ("p", "nth", "first", "per")}
        return "ok", {}

    def ignores(self, target):
        return target == "/mirror" and not any("/mirror" in rule.regex.pattern
                                               for rule in self.rules)

    async def control(self, writer, method, target, body):
        status, answer = 200, b"ok\n"
        if target == "/-/stats":
            answer = json.dumps({"gets": self.gets, "actions": self.actions,
                                 "open": self.open - 1, "peak": self.peak,
                                 "bytes": self.bytes, "busiest": self.busiest}).encode()
        elif target == "/-/rules" and method == "POST":
            self.rules = [Rule(line) for line in body.decode().splitlines() if line.strip()]
        elif target == "/-/reset" and method == "POST":
            self.reset()
        else:
            status = 404
        writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" %
                     (status, len(answer), answer))
        await writer.drain()

    async def one_request(self, reader, writer):
        """Answer a request; false if the connection is over."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return False
        first, *lines = head.decode("latin1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        fields = {}
        for line in filter(None, lines):
            key, _, value = line.partition(":")
            fields[key.lower()] = value.strip()
        if target.startswith("/-/"):
            body = await reader.readexactly(int(fields.get("content-length", 0)))
            await self.control(writer, method, target, body)
            return False

        if self.ignores(target):
            writer.write(b"HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return True
        action, args = self.choose(target)
        self.gets[target] += 1
        self.actions[action] += 1
        self.busy[target] += 1
        self.busiest = max(self.busiest, self.busy[target])
        answer = Answer(self, reader, writer, method, target, fields)
        # What misbehaves needs an object to misbehave with.
        if answer.body is None and action not in ("status", "close", "silent", "redirect",
                                                  "redirect-loop", "rst-head"):
            action = "ok"
        try:
            await getattr(answer, "do_" + action.replace("-", "_"))(**args)
        finally:
            self.busy[target] -= 1
            if self.log:
                self.log.write(f"time={time.time():.3f} method={method} path={target} "
                               f"action={action} range={fields.get('range', '-')} "
                               f"bytes={answer.bytes}\n")
        return answer.keep

    async def connection(self, reader, writer):
        self.open += 1
        self.peak = max(self.peak, self.open)
        try:
            while await self.one_request(reader, writer):
                pass
            await writer.drain()
        except (ConnectionError, ssl.SSLError, asyncio.LimitOverrunError):
            pass
        finally:
            self.open -= 1
            writer.close()


async def serve(args):
    server = Server(args)
    context = None
    if args.tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(args.tls[0], args.tls[1])
    listener = await asyncio.start_server(server.connection, args.address, args.listen,
                                          ssl=context, backlog=4096, limit=1 << 16)
    print(listener.sockets[0].getsockname()[1], flush=True)
    async with listener:
        await listener.serve_forever()


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--store", required=True)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--listen", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log")
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    parser.add_argument("rule", nargs="*")
    args = parser.parse_args()
    try:
        asyncio.run(serve(args))
    except ValueError as err:
        sys.exit(f"faultd: {err}")
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
