#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The part of the end-to-end cases that is subtler than shell.

Each subcommand exits with 0 if what it says holds and prints what does not.
"""
import argparse
import errno
import hashlib
import json
import os
import re
import socket
import stat
import sys
import xml.etree.ElementTree

COMPARED = ("st_mode", "st_uid", "st_gid", "st_mtime_ns", "st_rdev")
MOST_DIFFERENCES = 20


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        while chunk := f.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def walk(top):
    """Every path below top, as bytes, relative, top itself being b"."."""
    top = os.fsencode(top)
    yield b"."

    def refuse(error):
        raise error

    for folder, dirs, files in os.walk(top, onerror=refuse):
        for name in dirs + files:
            yield os.path.relpath(os.path.join(folder, name), top)


def xattrs(path, ignored):
    names = os.listxattr(path, follow_symlinks=False)
    return {n: os.getxattr(path, n, follow_symlinks=False)
            for n in names if not n.startswith(ignored)}


def hardlink_groups(top, names):
    groups = {}
    for name in names:
        st = os.lstat(os.path.join(os.fsencode(top), name))
        if not stat.S_ISDIR(st.st_mode):
            groups.setdefault((st.st_dev, st.st_ino), set()).add(name)
    return {frozenset(g) for g in groups.values() if len(g) > 1}


def differences(a, b, args):
    """What differs between the entries a and b, in words."""
    sa, sb = os.lstat(a), os.lstat(b)
    for field in COMPARED:
        if field == "st_mtime_ns" and args.no_times:
            continue
        va, vb = getattr(sa, field), getattr(sb, field)
        if va != vb:
            show = oct if field == "st_mode" else str
            yield f"{field} {show(va)} != {show(vb)}"
    if stat.S_IFMT(sa.st_mode) != stat.S_IFMT(sb.st_mode):
        return
    if stat.S_ISLNK(sa.st_mode) and os.readlink(a) != os.readlink(b):
        yield f"target {os.readlink(a)!r} != {os.readlink(b)!r}"
    if not stat.S_ISDIR(sa.st_mode) and sa.st_size != sb.st_size:
        yield f"size {sa.st_size} != {sb.st_size}"
    if args.nlink and not stat.S_ISDIR(sa.st_mode) and sa.st_nlink != sb.st_nlink:
        yield f"nlink {sa.st_nlink} != {sb.st_nlink}"
    ignored = tuple(args.ignore_xattr)
    xa, xb = xattrs(a, ignored), xattrs(b, ignored)
    for key in sorted(xa.keys() | xb.keys()):
        if xa.get(key) != xb.get(key):
            yield f"xattr {key}: {xa.get(key)!r} != {xb.get(key)!r}"
    if args.hash and stat.S_ISREG(sa.st_mode):
        ha, hb = sha256(a), sha256(b)
        if ha != hb:
            yield f"sha256 {ha} != {hb}"


def compare_trees(args):
    """Every name, its metadata and (--hash) its bytes are the same in A and B."""
    names_a, names_b = set(walk(args.a)), set(walk(args.b))
    found = [f"only in {args.a}: {n!r}" for n in sorted(names_a - names_b)]
    found += [f"only in {args.b}: {n!r}" for n in sorted(names_b - names_a)]
    n_hashed = 0
    for name in sorted(names_a & names_b):
        if len(found) >= MOST_DIFFERENCES:
            break
        a = os.path.join(os.fsencode(args.a), name)
        b = os.path.join(os.fsencode(args.b), name)
        n_hashed += stat.S_ISREG(os.lstat(a).st_mode)
        found += [f"{name!r}: {d}" for d in differences(a, b, args)]
    if args.nlink and hardlink_groups(args.a, names_a) != hardlink_groups(args.b, names_b):
        found.append("the hard links join different names")
    for line in found[:MOST_DIFFERENCES]:
        print(line)
    if not found:
        what = f", {n_hashed} files byte for byte" if args.hash else ""
        print(f"{len(names_a)} entries are the same{what}")
    return bool(found)


def gets(args):
    """Print how many GETs of a path that contains TEXT the access log LOG has."""
    wanted = re.compile(r"\bGET\b.*" + re.escape(args.text))
    with open(args.log, errors="replace") as log:
        print(sum(bool(wanted.search(line)) for line in log))
    return 0


def sent(args):
    """Print how many bytes of bodies were sent, as the access log LOG says."""
    with open(args.log, errors="replace") as log:
        print(sum(map(int, re.findall(r"\bbytes=(\d+)", log.read()))))
    return 0


def only_objects_of(args):
    """Every GET of an object in the access log LOG is of one that STORE has."""
    with open(args.log, errors="replace") as log:
        names = re.findall(r"GET /objects/(\S+)", log.read())
    strange = [n for n in names if not os.path.exists(os.path.join(args.store, "objects", n))]
    for name in strange[:MOST_DIFFERENCES]:
        print(f"asked for: {name}")
    return bool(strange)


def json_has(args):
    """The JSON document FILE has these members, such as mirrors/0/requests=3."""
    with open(args.file, encoding="utf-8") as f:
        document = json.load(f)
    wrong = 0
    for member in args.member:
        path, want = member.split("=", 1)
        value = document
        for key in path.split("/"):
            value = value[int(key) if isinstance(value, list) else key]
        if str(value) != want:
            print(f"{path}: got {value}, want {want}")
            wrong += 1
    return bool(wrong)


def well_formed(args):
    """FILE is well-formed XML."""
    xml.etree.ElementTree.parse(args.file)
    return 0


def metrics_have_help(args):
    """Each metric of FILE has a HELP and a TYPE line before it, each once."""
    told = {"HELP": [], "TYPE": []}
    wrong = []
    with open(args.file, encoding="utf-8") as f:
        for line in f:
            if line.startswith("# "):
                _, word, name, text = line.rstrip("\n").split(" ", 3)
                wrong += [name] if name in told[word] or not text else []
                told[word].append(name)
                continue
            name = re.match(r"[a-z_0-9]+", line)[0]
            family = re.sub(r"_(bucket|sum|count)$", "", name)
            for names in told.values():
                if name not in names and family not in names:
                    wrong.append(name)
    for name in wrong[:MOST_DIFFERENCES]:
        print(f"without HELP or TYPE, or with two: {name}")
    return bool(wrong)


OPERATIONS = {
    "open": lambda path: os.close(os.open(path, os.O_RDONLY)),
    "open-write": lambda path: os.close(os.open(path, os.O_RDWR)),
    "read": sha256,
    "stat": os.lstat,
    "list": os.listdir,
    "readlink": os.readlink,
    "unlink": os.unlink,
}


def errno_of(args):
    """OPERATION on PATH fails with the errno NAME (several: EIO|ETIMEDOUT)."""
    wanted = args.name.split("|")
    try:
        OPERATIONS[args.operation](args.path)
    except OSError as e:
        got = errno.errorcode.get(e.errno, str(e.errno))
        if got in wanted:
            return 0
        print(f"{args.operation} {args.path}: got {got}, want {args.name}")
        return 1
    print(f"{args.operation} {args.path}: succeeded, want {args.name}")
    return 1


def free_port(_):
    """Print a TCP port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        print(s.getsockname()[1])
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)

    def command(name, function):
        c = commands.add_parser(name, help=function.__doc__)
        c.set_defaults(function=function)
        return c

    c = command("compare-trees", compare_trees)
    c.add_argument("a")
    c.add_argument("b")
    c.add_argument("--hash", action="store_true")
    c.add_argument("--nlink", action="store_true")
    c.add_argument("--no-times", action="store_true")
    c.add_argument("--ignore-xattr", action="append", default=[], metavar="PREFIX")
    c = command("gets", gets)
    c.add_argument("log")
    c.add_argument("text", nargs="?", default="/objects/")
    c = command("sent", sent)
    c.add_argument("log")
    c = command("errno", errno_of)
    c.add_argument("name")
    c.add_argument("operation", choices=OPERATIONS)
    c.add_argument("path")
    command("free-port", free_port)
    c = command("only-objects-of", only_objects_of)
    c.add_argument("store")
    c.add_argument("log")
    c = command("json", json_has)
    c.add_argument("file")
    c.add_argument("member", nargs="+")
    c = command("metrics-have-help", metrics_have_help)
    c.add_argument("file")
    c = command("well-formed", well_formed)
    c.add_argument("file")
    args = parser.parse_args()
    return args.function(args)


if __name__ == "__main__":
    sys.exit(main())
