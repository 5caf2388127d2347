#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Spoil a pack (cache/mirror/pack_format.h) in one way.

    pack_mutate.py WAY PACK OUT

Each WAY breaks one rule, and puts the rest right again, so that it is that rule which
is tested.
"""
import struct
import subprocess
import sys

HEADER = struct.Struct("<8sIIII32sQ")


class Pack:
    def __init__(self, data):
        (self.magic, n_frames, n_objects, self.n_image, self.reserved, self.image,
         size) = HEADER.unpack_from(data)
        assert size == len(data), "the pack that is to be spoilt is none"
        at = HEADER.size
        table = [struct.unpack_from("<II", data, at + 8 * i) for i in range(n_frames)]
        at += 8 * n_frames
        self.positions = list(struct.unpack_from(f"<{n_objects}I", data, at))
        at += 4 * n_objects
        self.frames = []
        for packed, count in table:
            self.frames.append([count, data[at:at + packed]])
            at += packed

    def bytes(self):
        table = b"".join(struct.pack("<II", len(f), n) for n, f in self.frames)
        positions = struct.pack(f"<{len(self.positions)}I", *self.positions)
        body = b"".join(f for _, f in self.frames)
        size = HEADER.size + len(table) + len(positions) + len(body)
        return HEADER.pack(self.magic, len(self.frames), len(self.positions), self.n_image,
                           self.reserved, self.image, size) + table + positions + body


def zstd(data, *options):
    return subprocess.run(["zstd", "-q", "-c", *options], input=data, check=True,
                          stdout=subprocess.PIPE).stdout


def spoil(way, data):
    pack = Pack(data)
    middle = len(pack.frames) // 2
    if way == "magic":
        pack.magic = b"NOTAPACK"
    elif way == "other-image":
        pack.image = bytes(32)
    elif way == "swapped-objects":
        pack.positions[0], pack.positions[1] = pack.positions[1], pack.positions[0]
    elif way == "no-such-object":
        pack.positions[-1] = pack.n_image
    elif way == "object-twice":
        pack.positions[-1] = pack.positions[0]
    elif way == "wrong-byte":
        frame = bytearray(pack.frames[middle][1])
        frame[len(frame) // 2] ^= 0x55
        pack.frames[middle][1] = bytes(frame)
    elif way == "bomb":
        pack.frames[middle][1] = zstd(bytes(1 << 30), "-1")
    elif way == "huge-window":
        whole = subprocess.run(["zstd", "-q", "-dc"], input=pack.frames[middle][1], check=True,
                               stdout=subprocess.PIPE).stdout
        # By a pipe zstd does not know the size, and asks for all of the window.
        pack.frames[middle][1] = zstd(whole, "--ultra", "-22", "--long=27")
    elif way == "frames-swapped":
        pack.frames[0][1], pack.frames[1][1] = pack.frames[1][1], pack.frames[0][1]
    elif way == "truncated":
        return data[:len(data) * 2 // 3]
    elif way == "only-a-header":
        return data[:HEADER.size + 10]
    elif way == "empty":
        return b""
    elif way == "longer":
        return data + bytes(100000)
    else:
        sys.exit(f"pack_mutate.py: no such way: {way}")
    return pack.bytes()


if __name__ == "__main__":
    with open(sys.argv[2], "rb") as pack_in:
        spoilt = spoil(sys.argv[1], pack_in.read())
    with open(sys.argv[3], "wb") as pack_out:
        pack_out.write(spoilt)
