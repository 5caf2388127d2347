#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# limit: 200
# A directory of nothing but whiteouts keeps the kernel looking for an entry to show: who
# waits for it can be killed.
. "$(dirname "$0")/../module.sh"

names=200000
mkdir mnt objects
awk -v n=$names 'BEGIN {
	print "/ 0 40755 3 0 0 0 0.0 - - -"
	print "/d 0 40755 2 0 0 0 0.0 - - -"
	printf "/d/000000 0 20644 %d 0 0 259 0.0 - - -\n", n
	for (i = 1; i < n; i++)
		printf "/d/%06d 0 @20644 %d 0 0 259 0.0 /d/000000 - -\n", i, n
}' | mkcomposefs --from-file - img
# Their one inode becomes the device 0:0, which no writer makes.
python3 - <<'EOF'
import struct
image = bytearray(open("img", "rb").read())
device = struct.pack("<HHQI", 0o20644, 0, 0, 0x103)
at = image.find(device)
assert at > 0 and image.find(device, at + 1) < 0, "which inode?"
struct.pack_into("<I", image, at + 12, 0)
open("img", "wb").write(image)
EOF
mount -t composefs -o basedir=objects img mnt
assert_eq "$(ls mnt/d)" "" "whiteouts that are shown"

python3 - <<'EOF'
import os, signal, time

def timed(do):
    start = time.monotonic()
    do()
    return time.monotonic() - start

whole = timed(lambda: os.listdir("mnt/d"))
lived = []
for _ in range(8):
    reader = os.fork()
    if reader == 0:
        os.listdir("mnt/d")
        os._exit(0)
    time.sleep(whole / 4)
    os.kill(reader, signal.SIGKILL)
    status = 1
    def gone():
        global status
        status = os.waitpid(reader, 0)[1]
    seconds = timed(gone)
    if status == signal.SIGKILL:        # else it had come to its end before
        lived.append(seconds)
print(f"a whole list takes {whole * 1000:.0f} ms; killed readers lived",
      *(f"{seconds * 1000:.0f}" for seconds in lived), "ms")
assert min(lived) < whole / 4, "they lived too long"
EOF
umount mnt
