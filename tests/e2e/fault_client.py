#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the cases of the network fault matrix do to a mount of cfs-fetch.

    read MOUNT ORIGIN MAX_MS OBJECT...          right bytes, each within the time
    errno MOUNT NAME MIN_MS MAX_MS OBJECT...    that errno, and when
    store STORE ORIGIN                          nothing in it is wrong or left over
    status MOUNT KEY...                         a value of its status; KEY may be url=X
    full                                        a port whose SYNs are dropped; until killed
    crowd MOUNT ORIGIN N OBJECT...              N threads, each opens one of the objects
"""
import errno
import json
import os
import re
import signal
import socket
import sys
import threading
import time


def load(*parts):
    with open(os.path.join(*parts), "rb") as f:
        return f.read()


def read(mount, origin, limit, *objects):
    worst = 0
    for name in objects:
        began = time.monotonic()
        try:
            got = load(mount, name)
        except OSError as err:
            sys.exit(f"{name}: {errno.errorcode[err.errno]} after "
                     f"{time.monotonic() - began:.1f} s")
        took = (time.monotonic() - began) * 1000
        worst = max(worst, took)
        if got != load(origin, "objects", name):
            sys.exit(f"{name}: WRONG BYTES: {len(got)}")
        if took > int(limit):
            sys.exit(f"{name}: took {took:.0f} ms, more than {limit}")
    print(f"  {len(objects)} read, the slowest in {worst:.0f} ms")


def check_errno(mount, wanted, least, most, *objects):
    for name in objects:
        began = time.monotonic()
        try:
            load(mount, name)
        except OSError as err:
            got = errno.errorcode[err.errno]
        else:
            got = "success"
        took = (time.monotonic() - began) * 1000
        if got not in wanted.split("|"):
            sys.exit(f"{name}: {got} instead of {wanted} after {took:.0f} ms")
        if not int(least) <= took <= int(most):
            sys.exit(f"{name}: {got} after {took:.0f} ms, not {least} to {most}")
        print(f"  {got} after {took:.0f} ms")


def check_store(store, origin):
    folder = os.path.join(store, "objects")
    for path, _, files in os.walk(folder):
        for file in files:
            name = os.path.relpath(os.path.join(path, file), folder)
            if not re.fullmatch(r"[0-9a-f]{2}/[0-9a-f]{62}", name):
                sys.exit(f"{name} was left in the store")
            if load(folder, name) != load(origin, "objects", name):
                sys.exit(f"{name} has wrong bytes in the store")
    if os.path.exists(os.path.join(store, "quarantine")):
        sys.exit("something had to be moved out of the store")


def status(mount, *keys):
    value = json.loads(load(mount, ".cfs", "status.json"))
    for key in keys:
        if "=" in key:
            name, _, wanted = key.partition("=")
            value = next(v for v in value if v[name] == wanted)
        else:
            # What was never counted is not mentioned.
            value = value[int(key)] if isinstance(value, list) else value.get(key, 0)
    print(value)


def full():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = []
    # With its queue full, a listening socket drops SYNs as a firewall would.
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        fillers.append(filler)
    print(listener.getsockname()[1], flush=True)
    signal.pause()


def crowd(mount, origin, count, *objects):
    count = int(count)
    wanted = {name: load(origin, "objects", name) for name in objects}
    wrong = []

    def run(name):
        try:
            if load(mount, name) != wanted[name]:
                wrong.append(f"{name}: wrong bytes")
        except OSError as err:
            wrong.append(f"{name}: {err}")

    threading.stack_size(64 * 1024)
    threads = [threading.Thread(target=run, args=(objects[i % len(objects)],))
               for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        sys.exit("\n".join(wrong[:10] + [f"{len(wrong)} of {count} failed"]))


COMMANDS = {"read": read, "errno": check_errno, "store": check_store, "status": status,
            "full": full, "crowd": crowd}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])
