#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Print the dump of the image that ostree makes of a commit.

A commit that was made with composefs metadata records the digest of that image
(ostree.composefs.digest.v0).  The mapping is in composefs-ostree-dump(1).
"""
import argparse
import errno
import fcntl
import hashlib
import os
import stat
import struct
import sys

DIGEST_KEY = b"ostree.composefs.digest.v0"
# Folders that ostree adds to the root where a commit lacks them, to mount things on.
ROOT_FOLDERS = (b"usr", b"etc", b"boot", b"var", b"sysroot")
BLOCK = 4096
FS_IOC_MEASURE_VERITY = 0xC0046686
OBJECT_MAX = 128 << 20      # of metadata; ostree's own limit


class Bad(Exception):
    """A repository that is not what it should be."""


class Packed:
    """Bytes of a serialised GVariant container: its framing offsets are at its end."""

    def __init__(self, data):
        self.data = data
        self.width = next(w for w in (1, 2, 4, 8) if len(data) < 1 << 8 * w)

    def offset(self, index_from_end):
        end = len(self.data) - index_from_end * self.width
        if end < self.width:
            raise Bad("framing offset outside of its container")
        return int.from_bytes(self.data[end - self.width:end], "little")

    def part(self, start, end):
        if not 0 <= start <= end <= len(self.data):
            raise Bad("a member outside of its container")
        return self.data[start:end]

    def array(self, align):
        """The members of an array whose members vary in size."""
        if not self.data:
            return
        table = self.offset(0)
        if table > len(self.data) or (len(self.data) - table) % self.width:
            raise Bad("broken array")
        count, start = (len(self.data) - table) // self.width, 0
        for i in range(count):
            end = self.offset(count - 1 - i)
            start = (start + align - 1) // align * align
            yield self.part(start, end)
            start = end


def c_string(data):
    if not data.endswith(b"\0") or b"\0" in data[:-1]:
        raise Bad("broken string")
    return data[:-1]


def read_meta(data):
    """(uuua(ayay)), numbers big-endian: uid, gid, mode and xattrs."""
    if len(data) < 12:
        raise Bad("short metadata")
    xattrs = []
    for entry in Packed(data[12:]).array(1):
        pair = Packed(entry)
        end = pair.offset(0)
        xattrs.append((c_string(pair.part(0, end)),
                       pair.part(end, len(entry) - pair.width)))
    return *struct.unpack(">III", data[:12]), xattrs


def file_name(data):
    name = c_string(data)
    if name in (b"", b".", b"..") or b"/" in name:
        raise Bad(f"'{os.fsdecode(name)}' is no file name")
    return name


def checksum(data):
    if len(data) != 32:
        raise Bad("broken checksum")
    return data.hex()


def verity_digest(file):
    """What fs-verity measures of these bytes: SHA-256, blocks of 4096, no salt."""
    size = os.fstat(file.fileno()).st_size
    level, first = [], True
    while first or len(level) > 1:
        if first:
            blocks = iter(lambda: file.read(BLOCK), b"")
        else:
            joined = b"".join(level)
            blocks = (joined[i:i + BLOCK] for i in range(0, len(joined), BLOCK))
        level = [hashlib.sha256(block.ljust(BLOCK, b"\0")).digest() for block in blocks]
        first = False
    root = level[0] if level else b""
    return hashlib.sha256(struct.pack("<BBBBIQ64s32s144x", 1, 1, 12, 0, 0, size,
                                      root, b"")).hexdigest()


def measure(file):
    head = bytearray(struct.pack("<HH", 0, 32) + bytes(32))
    try:
        fcntl.ioctl(file, FS_IOC_MEASURE_VERITY, head)
    except OSError as e:
        if e.errno not in (errno.ENODATA, errno.ENOTTY, errno.EOPNOTSUPP):
            raise
        return verity_digest(file)
    if struct.unpack("<HH", head[:4]) != (1, 32):
        return verity_digest(file)
    return bytes(head[4:]).hex()


class Repository:
    def __init__(self, path):
        self.path = os.fsencode(path)
        mode = self.setting("mode")
        if mode not in ("bare", "bare-user"):
            raise Bad(f"mode is '{mode}'; only bare and bare-user have plain objects")
        self.user = mode == "bare-user"

    def setting(self, key):
        with open(os.path.join(self.path, b"config"), encoding="utf-8") as file:
            for line in file:
                name, _, value = line.partition("=")
                if name.strip() == key:
                    return value.strip()
        return ""

    def object_path(self, digest, kind):
        name = f"{digest[:2]}/{digest[2:]}.{kind}".encode()
        return name, os.path.join(self.path, b"objects", name)

    def load(self, digest, kind):
        path = self.object_path(digest, kind)[1]
        with open(path, "rb") as file:
            data = file.read(OBJECT_MAX + 1)
        if len(data) > OBJECT_MAX or hashlib.sha256(data).hexdigest() != digest:
            raise Bad(f"{os.fsdecode(path)}: not the object of that name")
        return data

    def resolve(self, name):
        for folder in ("refs/heads", "refs/remotes", "refs/mirrors"):
            path = os.path.join(self.path, os.fsencode(folder), os.fsencode(name))
            if ".." not in name.split("/") and os.path.isfile(path):
                with open(path, encoding="ascii") as file:
                    return file.read().strip()
        if len(name) == 64 and set(name) <= set("0123456789abcdef"):
            return name
        raise Bad(f"no ref or commit '{name}'")

    def commit(self, digest):
        """(a{sv}aya(say)sstayay): metadata and the two checksums at its end."""
        packed = Packed(self.load(digest, "commit"))
        ends = [packed.offset(i) for i in range(6)]
        table = len(packed.data) - 6 * packed.width
        tree_start = (ends[4] + 7) // 8 * 8 + 8
        return (packed.part(0, ends[0]), checksum(packed.part(tree_start, ends[5])),
                checksum(packed.part(ends[5], table)))

    def file(self, digest):
        """Metadata, and where the bytes are."""
        name, path = self.object_path(digest, "file")
        st = os.lstat(path)
        if self.user:
            meta = read_meta(os.getxattr(path, "user.ostreemeta"))
        else:
            xattrs = [(os.fsencode(x), os.getxattr(path, x, follow_symlinks=False))
                      for x in os.listxattr(path, follow_symlinks=False)]
            meta = st.st_uid, st.st_gid, st.st_mode, xattrs
        if not stat.S_ISLNK(meta[2]):
            return meta, st.st_size, name, path
        if stat.S_ISLNK(st.st_mode):
            target = os.readlink(path)
        else:
            with open(path, "rb") as file:
                target = c_string(file.read(BLOCK))
        return meta, len(target), target, None


def escape(data, also=b""):
    if not data:
        return "-"
    if data == b"-":
        return "\\x2d"
    return "".join(chr(c) if 32 < c < 127 and c != 0x5c and c not in also
                   else f"\\x{c:02x}" for c in data)


def line(path, size, nlink, meta, payload=b"", digest="-"):
    uid, gid, mode, xattrs = meta
    fields = [escape(path), str(size), f"{mode:o}", str(nlink), str(uid), str(gid),
              "0", "0.0", escape(payload), "-", digest]
    fields += [f"{escape(k, b'=')}={'' if not v else escape(v)}" for k, v in xattrs]
    print(" ".join(fields))


def dump_file(repo, path, digest):
    meta, size, payload, content = repo.file(digest)
    measured = "-"
    if content and size:
        with open(content, "rb", buffering=1 << 20) as file:
            measured = measure(file)
    line(path, size, 1, meta, payload if size else b"", measured)


def dump_tree(repo, path, tree, meta, extra=()):
    packed = Packed(repo.load(tree, "dirtree"))
    end = packed.offset(0)
    files = list(Packed(packed.part(0, end)).array(1))
    folders = {}
    for entry in Packed(packed.part(end, len(packed.data) - packed.width)).array(1):
        item = Packed(entry)
        one, two = item.offset(0), item.offset(1)
        folders[file_name(item.part(0, one))] = (
            checksum(item.part(one, two)),
            checksum(item.part(two, len(entry) - 2 * item.width)))
    extra = [name for name in extra if name not in folders]
    line(path or b"/", 0, 2 + len(folders) + len(extra),
         read_meta(repo.load(meta, "dirmeta")))
    for entry in files:
        item = Packed(entry)
        end = item.offset(0)
        dump_file(repo, path + b"/" + file_name(item.part(0, end)),
                  checksum(item.part(end, len(entry) - item.width)))
    for name, (tree_sum, meta_sum) in folders.items():
        dump_tree(repo, path + b"/" + name, tree_sum, meta_sum)
    for name in extra:
        line(b"/" + name, 0, 2, (0, 0, stat.S_IFDIR | 0o755, []))


def recorded_digest(metadata):
    """From a{sv}: the value is "ay" and its type, after a zero byte."""
    for entry in Packed(metadata).array(8):
        item = Packed(entry)
        end = item.offset(0)
        if c_string(item.part(0, end)) != DIGEST_KEY:
            continue
        value = item.part((end + 7) // 8 * 8, len(entry) - item.width)
        if not value.endswith(b"\0ay"):
            raise Bad("the recorded digest is of another type")
        return checksum(value[:-3])
    raise Bad("the commit records no composefs digest")


def main():
    parser = argparse.ArgumentParser(
        prog="composefs-ostree-dump",
        description="Print, for mkcomposefs --from-file, the image that ostree makes of a commit.")
    parser.add_argument("--digest", action="store_true",
                        help="print the digest that the commit records instead")
    parser.add_argument("repository", help="in mode bare or bare-user")
    parser.add_argument("commit", help="checksum or ref")
    args = parser.parse_args()
    try:
        repo = Repository(args.repository)
        metadata, tree, meta = repo.commit(repo.resolve(args.commit))
        if args.digest:
            print(recorded_digest(metadata))
        else:
            dump_tree(repo, b"", tree, meta, ROOT_FOLDERS)
        sys.stdout.flush()
    except (Bad, OSError) as e:
        print(f"composefs-ostree-dump: {args.repository}: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
