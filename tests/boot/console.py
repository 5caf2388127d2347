#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine's sockets.

console.py run SOCKET SECONDS COMMAND: have the shell on a serial console run a
	command; its output goes to stdout, its exit status becomes ours.
console.py type SOCKET LINE: only type it.
console.py qmp SOCKET COMMAND [JSON]: have QEMU do something.
"""
import json
import re
import socket
import sys
import time


def connect(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(path)
    return sock


def run(path, seconds, command):
    # The terminal echoes what is typed; only what the shell prints has the bytes.
    line = "printf '\\001\\n'; { %s\n} 2>&1; printf '\\002%%d\\002\\n' $?\n" % command
    end = time.monotonic() + float(seconds)
    sock = connect(path)
    sock.sendall(line.encode())
    seen = b""
    while True:
        sock.settimeout(max(0.01, end - time.monotonic()))
        try:
            data = sock.recv(65536)
        except socket.timeout:
            data = b""
        seen += data
        match = re.search(rb"\x01\r?\n(.*?)\x02(\d+)\x02", seen, re.S)
        if match:
            sys.stdout.buffer.write(match.group(1).replace(b"\r\n", b"\n"))
            return int(match.group(2))
        if not data:
            sys.stderr.write("console.py: no answer to: %s\n%s\n"
                             % (command, seen.decode(errors="replace")))
            return 124


def type_line(path, line):
    with connect(path) as sock:
        sock.sendall(line.encode() + b"\n")
        time.sleep(0.2)
    return 0


def qmp(path, command, arguments="{}"):
    file = connect(path).makefile("rw")
    file.readline()
    for message in ({"execute": "qmp_capabilities"},
                    {"execute": command, "arguments": json.loads(arguments)}):
        file.write(json.dumps(message) + "\n")
        file.flush()
        while True:
            answer = json.loads(file.readline())
            if "event" not in answer:
                break
    print(json.dumps(answer))
    return 1 if "error" in answer else 0


if __name__ == "__main__":
    sys.exit({"run": run, "type": type_line, "qmp": qmp}[sys.argv[1]](*sys.argv[2:]))
