#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An image that nothing seals may change while it is mounted, between any two looks at it:
# what comes of that is an error or another tree, and nothing else.
. "$(dirname "$0")/../module.sh"

mkdir src mnt
echo text >src/file
setfacl -m u:7:r src/file
mkcomposefs --digest-store=objects src acl.img

# The ACL is there and not there, by turns, while it is asked for.  It is of no known
# version, so the VFS does not keep it and asks each time.
mount -t composefs -o basedir=objects acl.img mnt
timeout 60 python3 - acl.img mnt/file <<'EOF'
import os, struct, sys, time

image = os.open(sys.argv[1], os.O_RDWR)
content = os.pread(image, 1 << 20, 0)
acl = os.getxattr("src/file", "system.posix_acl_access")
value = content.find(acl)
assert value > 0 and content.find(acl, value + 1) < 0, "where is the ACL?"
entry = value - 4                      # length of the name, index, length of the value
assert struct.unpack_from("<BBH", content, entry) == (0, 2, len(acl))
os.pwrite(image, b"\x63", value)
end = time.monotonic() + 5
if os.fork() == 0:
    while time.monotonic() < end:
        for _ in range(1000):
            os.pwrite(image, b"\0", entry + 2)
            os.pwrite(image, bytes([len(acl)]), entry + 2)
    os._exit(0)
seen = {}
while time.monotonic() < end:
    try:
        os.getxattr(sys.argv[2], "system.posix_acl_access")
        what = 0
    except OSError as error:
        what = error.errno
    seen[what] = seen.get(what, 0) + 1
print("ACL:", seen)
assert set(seen) <= {22, 61, 95, 117}, "EINVAL, ENODATA, EOPNOTSUPP, EUCLEAN only"
assert len(seen) > 1 and sum(seen.values()) > 1000, "nothing changed meanwhile"
os.wait()
EOF
umount mnt

# Any byte of it changes, while broken copies are walked and read.
python3 "$E2E/tree.py" tree --overlay
mkcomposefs --digest-store=objects tree img
: >hostile.img
cat >scribble.py <<'EOF'
import os, random

random.seed(1)
image = os.open("hostile.img", os.O_RDWR)
while True:
    size = os.fstat(image).st_size
    if size > 1152:
        # Inodes and names are near the start.
        limit = random.choice((2048, 8192, size))
        at = random.randrange(1152, max(1153, min(limit, size)))
        os.pwrite(image, bytes([random.choice((0, 1, 255, random.randrange(256)))]), at)
EOF
python3 scribble.py &
scribbler=$!
dmesg -n 1
walk_hostile img objects 5000000 10
kill -0 "$scribbler" || fail "nothing was changed meanwhile"
kill "$scribbler"
wait "$scribbler" || true
drop_caches
rmmod composefs
