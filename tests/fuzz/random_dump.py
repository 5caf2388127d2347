#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Write a random, valid dump (composefs-dump(5)) to stdout.

    random_dump.py [--storable | --mountable] SEED
    random_dump.py [--storable | --mountable] FIRST LAST DIR      DIR/SEED.dump for each of them

--storable leaves out what an image can't hold, or gives another meaning: sizes of
FIFOs, xattrs that mark whiteouts, absolute object paths.  --mountable also leaves out what
overlayfs makes an error of: files with a size and no object, and the xattr
"trusted.overlay.", which it lists and can't get.  The same seed gives the same dump.  Sizes, names and xattrs crowd around the
edges of the image format: inline tails of 2048 bytes, names that sort beside
"." and "..", names of stubs, escaped overlay xattrs, xattrs that many nodes
share, symlinks that just fill a block, whiteouts, hard links in both directions.
"""
import random
import sys

REG, DIR, LNK, CHR, BLK, FIFO, SOCK = 0o100000, 0o40000, 0o120000, 0o20000, 0o60000, 0o10000, 0o140000
PRINTABLE = set(range(0x21, 0x7F)) - {ord("\\"), ord("=")}
EDGES = [1, 2, 31, 32, 33, 64, 65, 2047, 2048, 2049, 4031, 4032, 4063, 4064, 4065, 4094, 4095]
SIZES = [0, 1, 64, 65, 4096, 4097, 8192, 8193, 2**20, 2**20 + 1, 2**32 - 1, 2**32, 2**43, 2**43 + 1,
         2**44, 2**44 + 1, 2**50, 2**52 + 5, 2**53 - 1, 2**53]


def escape(data, lone_dash=False):
    if isinstance(data, str):
        data = data.encode()
    if lone_dash and data == b"-":
        return "\\x2d"
    return "".join(chr(b) if b in PRINTABLE else "\\x%02x" % b for b in data)


class Tree:
    def __init__(self, seed, storable=False, mountable=False):
        self.storable = storable or mountable
        self.mountable = mountable
        self.r = r = random.Random(seed)
        self.lines = []
        self.dirs = []          # (path, names)
        self.linkable = []      # (path, path of the line with the inode)
        self.base = r.choice([0, 1000, 1633950376, -7])
        self.mtimes = r.choice([0.0, 0.1, 0.9])
        self.owners = r.choice([0.0, 0.05, 0.5])
        self.xattr_rate = r.choice([0.0, 0.2, 0.8])
        self.xattr_many = r.choice([3, 3, 8, 40, 200])
        self.pool = [self.xattr() for _ in range(r.choice([1, 5, 60, 250]))]
        self.whiteouts = r.choice([0.0, 0.0, 0.05])
        self.large_inline = r.choice([0.0, 0.1])

    def some_bytes(self, n):
        return bytes(self.r.choices(range(256), k=n)) if self.r.random() < 0.3 else b"v" * n

    def xattr(self):
        r = self.r
        prefix = r.choice(["user.", "user.", "trusted.", "security.", "system.posix_acl_access", "system.posix_acl_default",
                           "system.posix_acl_accessx", "lustre.", "trusted.overlay.", "trusted.overlay.overlay.",
                           "user.overlay.", "other", "security.selinux", "trusted.overlayx", "trusted.overlay"])
        name = prefix
        if not prefix.startswith("system.posix") and prefix != "security.selinux" or r.random() < 0.1:
            name += r.choice(["", "a", "b", "whiteout", "whiteouts", "opaque", "redirect", "metacopy", "n" * r.randint(1, 200)])
        name = (name or "x")[:255]
        if self.mountable and ("whiteout" in name or "opaque" in name or name == "trusted.overlay.") or \
                self.storable and not self.mountable and "overlay." in name:
            return "user.plain", b"storable"
        # Of a name that the writer may replace, only an empty value can be replaced by upstream in every case.
        if "overlay.whiteout" in name or "overlay.opaque" in name:
            return name, b""
        n = r.choice([0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 30, 100, 1000]) if r.random() < 0.95 else r.randint(0, 9000)
        return name, self.some_bytes(n)

    def xattrs(self):
        r = self.r
        if r.random() >= self.xattr_rate:
            return ""
        found = {}
        for _ in range(r.randint(1, self.xattr_many)):
            k, v = r.choice(self.pool) if r.random() < 0.8 else self.xattr()
            found[k] = v
        used, text = 12, ""
        for k, v in found.items():
            used += 7 + len(k) + len(v)
            part = " %s=%s" % (escape(k), escape(v))
            if used > 32767 or len(text) + len(part) > 65000:
                break
            text += part
        return text

    def name(self, names):
        r = self.r
        while True:
            kind = r.random()
            if kind < 0.5:
                n = "".join(r.choices("abcdefghijklmnop", k=r.randint(1, 20))).encode()
            elif kind < 0.6:
                n = b"%02x" % r.randrange(256)
            elif kind < 0.7:
                n = r.choice([b"-", b"-a", b"...", b"..a", b".a", b".-", b".\x01", b"\x01", b"\x7f", b"..\x01", b"\xff", b"\xc3\xa9"]) + r.choice([b"", b"", b"z"])
            elif kind < 0.8:
                n = b"n" * r.choice([1, 100, 254, 255]) if r.random() < 0.5 else bytes(r.choices(range(97, 123), k=255))
            elif kind < 0.95:
                n = b"f%d" % r.randrange(10000)
            else:
                n = bytes(b for b in r.choices(range(1, 256), k=r.randint(1, 12)) if b != 47)
            if n and n not in (b".", b"..") and n not in names and len(n) <= 255:
                names.add(n)
                return n

    def common(self, nlink=1):
        r = self.r
        uid = r.choice([1, 1000, 65535, 65536, 2**32 - 1]) if r.random() < self.owners else 0
        gid = r.choice([1, 1000, 65535, 65536, 2**32 - 1]) if r.random() < self.owners else 0
        if r.random() < self.owners:
            nlink = r.choice([0, 2, 65535, 65536, 2**32 - 1])
        sec, nsec = self.base, 0
        if r.random() < self.mtimes:
            sec = r.choice([self.base, self.base + 1, 2**31, 2**40, self.base - 1])
            nsec = r.choice([0, 1, 999999999])
        return nlink, uid, gid, "%d.%d" % (sec, nsec)

    def line(self, path, size, mode, rdev=0, payload="-", content="-", digest="-"):
        nlink, uid, gid, mtime = self.common()
        self.lines.append("%s %d %o %d %d %d %d %s %s %s %s%s" % (
            escape(path), size, mode, nlink, uid, gid, rdev, mtime, payload, content, digest, self.xattrs()))

    def perm(self):
        return self.r.choice([0o644, 0o755, 0o600, 0o4755, 0o1777, 0])

    def regular(self, path):
        r = self.r
        kind = r.random()
        if kind < 0.2:
            n = r.choice([0, 1, 15, 64]) if r.random() > self.large_inline else r.choice(
                [2047, 2048, 2049, 4095, 4096, 4097, 5000, r.randint(0, 5000)])
            self.line(path, n, REG | self.perm(), content=escape(self.some_bytes(n), True),
                      payload=r.choice(["-", "ignored/payload"]))
            return
        size = r.choice(SIZES) if r.random() < 0.15 else r.randint(0, 10**6)
        digest = bytes(r.choices(range(256), k=32)).hex() if r.random() < 0.8 else "-"
        if self.mountable:
            payload = "%02x/%s" % (r.randrange(256), "0" * 62)
        elif digest != "-" and r.random() < 0.8:
            payload = digest[:2] + "/" + digest[2:]
        else:
            payload = r.choice(["-", "", "a", "abs/olute" if self.storable else "/abs/olute", "p" * r.choice([1, 2, 3, 100, 4095])])
        if r.random() < 0.1:
            digest = digest.upper()
        self.line(path, size, REG | self.perm(), payload=payload, digest=digest)

    def symlink(self, path):
        r = self.r
        n = r.choice(EDGES) if r.random() < 0.3 else r.randint(1, 60)
        if r.random() < 0.05:
            n = r.randint(1, 4095)
        target = b"t" * n if r.random() < 0.8 else bytes(b or 1 for b in self.some_bytes(n))
        self.line(path, r.choice([0, n, 2**33]), LNK | 0o777, payload=escape(target, True))

    def other(self, path):
        r = self.r
        kind = r.choice([CHR, BLK, FIFO, SOCK])
        size = 2**32 if r.random() < 0.05 and not self.storable else 0
        rdev = r.choice([1, 259, 2**20 + 5, 2**32 - 1]) if kind in (CHR, BLK) else 0
        self.line(path, size, kind | self.perm(), rdev=rdev)

    def entry(self, path, names):
        r = self.r
        full = (path if path != b"/" else b"") + b"/" + self.name(names)
        if r.random() < self.whiteouts:
            self.line(full, 0, CHR | self.perm())
            return
        kind = r.random()
        if kind < 0.2:
            self.line(full, r.choice([0, 4096]), DIR | self.perm())
            self.dirs.append((full, set()))
            return
        real = full
        if kind < 0.27 and self.linkable:
            target, real = r.choice(self.linkable)
            # A dump of the image gives the inode to the first name.
            if self.storable and full.split(b"/") < real.split(b"/"):
                real = full
        if real != full:
            self.lines.append("%s - @%o - - - - - %s%s" % (
                escape(full), REG | 0o644, escape(target), r.choice(["", " - -", " - - -"])))
        elif kind < 0.7:
            self.regular(full)
        elif kind < 0.85:
            self.symlink(full)
        else:
            self.other(full)
        self.linkable.append((full, real))

    def make(self):
        r = self.r
        self.line(b"/", r.choice([0, 4096]), DIR | self.perm())
        self.dirs.append((b"/", set()))
        crowded = r.choice([None, None, (r.choice([60, 64, 128, 130, 300, 1500]))])
        for _ in range(r.choice([0, 1, 5, 30, 100, 400])):
            self.entry(*r.choice(self.dirs))
        if crowded:
            path, names = r.choice(self.dirs)
            for _ in range(crowded):
                self.entry(path, names)
        if r.random() < 0.3:
            # Names whose targets come later, one of them through the other.
            names = self.dirs[0][1]
            late, first, second = self.name(names), self.name(names), self.name(names)
            if self.storable:
                late, first, second = sorted((late, first, second))
            self.lines.append("/%s - @100600 - - - - - /%s" % (escape(first), escape(second)))
            self.lines.append("/%s - @100600 - - - - - /%s" % (escape(second), escape(late)))
            self.regular(b"/" + late)
        return "\n".join(self.lines) + "\n"


def main():
    arguments = [a for a in sys.argv[1:] if not a.startswith("--")]
    kind = ("--storable" in sys.argv, "--mountable" in sys.argv)
    if len(arguments) == 1:
        sys.stdout.write(Tree(int(arguments[0]), *kind).make())
        return
    first, last, folder = arguments
    for seed in range(int(first), int(last) + 1):
        with open("%s/%d.dump" % (folder, seed), "w") as out:
            out.write(Tree(seed, *kind).make())


if __name__ == "__main__":
    main()
