#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""tree.py DIR [--overlay]: make the tree that end-to-end cases use.

Small, the same bytes on every run, and with one of everything a file system can hold.
As root also foreign owners, devices, capabilities and trusted xattrs.  --overlay adds
what overlayfs gives a meaning to: whiteouts, opaque folders, its own xattrs.
"""
import hashlib
import os
import stat
import struct
import sys

ROOT = os.geteuid() == 0
EPOCH_NS = 1_600_000_000 * 10**9


def pattern(seed, size):
    """size bytes that depend on seed only and do not compress to nothing."""
    return hashlib.shake_128(str(seed).encode()).digest(size)


def acl(entries):
    """A POSIX ACL as the kernel's xattr: (tag, perm, id) sorted by tag."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in entries)


USER_OBJ, USER, GROUP_OBJ, MASK, OTHER, NOBODY = 1, 2, 4, 0x10, 0x20, 0xFFFFFFFF
ACL = acl([(USER_OBJ, 6, NOBODY), (USER, 4, 1234), (GROUP_OBJ, 4, NOBODY),
           (MASK, 4, NOBODY), (OTHER, 0, NOBODY)])
DEFAULT_ACL = acl([(USER_OBJ, 7, NOBODY), (USER, 5, 1234), (GROUP_OBJ, 5, NOBODY),
                   (MASK, 5, NOBODY), (OTHER, 0, NOBODY)])


class Tree:
    def __init__(self, top):
        self.top = top

    def at(self, name):
        return os.path.join(self.top, name)

    def file(self, name, data, mode=0o644, owner=None, xattrs=None):
        path = self.at(name)
        with open(path, "wb") as f:
            f.write(data)
        self.dress(path, mode, owner, xattrs)

    def folder(self, name, mode=0o755, owner=None, xattrs=None):
        path = self.at(name)
        os.makedirs(path, exist_ok=True)
        self.dress(path, mode, owner, xattrs)

    def node(self, name, mode, major=0, minor=0, xattrs=None):
        path = self.at(name)
        os.mknod(path, mode, os.makedev(major, minor))
        self.dress(path, stat.S_IMODE(mode), None, xattrs)

    @staticmethod
    def dress(path, mode, owner, xattrs):
        if owner and ROOT:
            os.chown(path, *owner)
        os.chmod(path, mode)
        for key, value in (xattrs or {}).items():
            if ROOT or key.startswith(("user.", "system.")):
                os.setxattr(path, key, value)

    def stamp(self):
        """Give everything its own time, to the nanosecond, children first."""
        paths = [self.top]
        for folder, dirs, files in os.walk(self.top):
            paths += [os.path.join(folder, n) for n in files + dirs]
        for n, path in enumerate(sorted(paths, reverse=True)):
            ns = EPOCH_NS + n * 10**9 + (n * 7919 % 10**9)
            os.utime(path, ns=(ns, ns), follow_symlinks=False)


def files(t):
    t.file("empty", b"")
    t.file("inline", b"sixty-four bytes or less stay in the image\n")
    for size in (64, 65, 4095, 4096, 4097, 100_000):
        t.file(f"size-{size}", pattern(f"size {size}", size))
    t.file("large", pattern("large", 3_000_001))
    t.file("twin-a", pattern("twin", 20_000))
    t.file("twin-b", pattern("twin", 20_000), mode=0o600, owner=(1, 2))
    t.file("zeros", bytes(300_000))
    with open(t.at("sparse"), "wb") as f:
        f.write(b"head")
        f.seek(1_000_000)
        f.write(b"tail")
        f.truncate(2_000_000)
    t.file("script", b"#!/bin/sh\necho run from the mount \"$@\"\n" + b"#" * 64, mode=0o755)
    t.file("setuid", pattern("setuid", 5000), mode=0o4755)
    t.file("setgid", pattern("setgid", 5000), mode=0o2755, owner=(0, 50))
    t.file("secret", pattern("secret", 5000), mode=0o000, owner=(1000, 1001))
    t.file("big-ids", pattern("ids", 500), owner=(4_000_000_000, 70_000))


def names(t):
    t.folder("names")
    t.file("names/" + "n" * 255, pattern("long", 100))
    t.file("names/with space", pattern("space", 100))
    t.file("names/new\nline", pattern("newline", 100))
    t.file("names/back\\slash", pattern("backslash", 100))
    t.file("names/equals=sign", pattern("equals", 100))
    t.file("names/käse-日本", pattern("utf8", 100))
    t.file(os.fsdecode(b"names/not-utf8-\xff\xfe"), pattern("bytes", 100))
    t.file("names/.wh.looks-like-a-whiteout", pattern("wh", 100))
    t.file("names/-dash", pattern("dash", 100))
    deep = "deep"
    for n in range(12):
        deep += f"/level-{n}"
    t.folder(deep)
    t.file(deep + "/bottom", pattern("bottom", 1000))
    t.folder("many")
    for n in range(400):
        t.file(f"many/entry-{n:04}", pattern("many", n % 130))


def links(t):
    os.symlink("size-4096", t.at("symlink"))
    os.symlink("/nowhere/at/all", t.at("dangling"))
    os.symlink("x/" * 500 + "end", t.at("long-symlink"))
    t.file("hardlink-a", pattern("hardlink", 9000))
    os.link(t.at("hardlink-a"), t.at("hardlink-b"))
    t.folder("linkdir")
    os.link(t.at("hardlink-a"), t.at("linkdir/hardlink-c"))


def attributes(t):
    t.folder("sticky", mode=0o1777)
    t.folder("setgid-dir", mode=0o2770, owner=(0, 1001))
    t.folder("acl-default", xattrs={"system.posix_acl_default": DEFAULT_ACL})
    t.file("acl", pattern("acl", 3000), mode=0o640,
           xattrs={"system.posix_acl_access": ACL})
    t.file("xattr", pattern("xattr", 3000),
           xattrs={"user.one": b"1", "user.empty": b"", "user.binary": bytes(range(256)),
                   "user.long": pattern("value", 1500), "trusted.key": b"value"})
    t.folder("xattr-dir", xattrs={"user.dir": b"yes"})
    capability = struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0)
    t.file("capable", pattern("capable", 3000), mode=0o755,
           xattrs={"security.capability": capability})


def devices(t):
    t.node("fifo", stat.S_IFIFO | 0o640)
    t.node("socket", stat.S_IFSOCK | 0o600)
    if ROOT:
        t.node("null", stat.S_IFCHR | 0o666, 1, 3)
        t.node("big-minor", stat.S_IFCHR | 0o600, 300, 100_000)
        t.node("block", stat.S_IFBLK | 0o660, 7, 1)


def overlay(t):
    t.folder("overlay")
    t.node("overlay/whiteout", stat.S_IFCHR | 0o644)
    t.folder("overlay/opaque", xattrs={"trusted.overlay.opaque": b"y"})
    t.file("overlay/opaque/inside", pattern("inside", 1000))
    t.file("overlay/redirected", pattern("redirected", 1000),
           xattrs={"trusted.overlay.redirect": b"/elsewhere",
                   "user.overlay.whiteout": b""})


def main():
    arguments = [a for a in sys.argv[1:] if not a.startswith("--")]
    if len(arguments) != 1:
        sys.exit(__doc__)
    os.umask(0o022)
    os.makedirs(arguments[0], exist_ok=True)
    t = Tree(arguments[0])
    for part in (files, names, links, attributes, devices):
        part(t)
    if "--overlay" in sys.argv[1:]:
        overlay(t)
    t.stamp()


if __name__ == "__main__":
    main()
