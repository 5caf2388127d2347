#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A file that another user changes through a shared mapping while it is read, which
# leaves no trace in its times, gives no object with other bytes than its digest says:
# not where the store shares the file's blocks (XFS, btrfs), not for another file with
# the same bytes, and not whether the store is new or has most of the tree already.
. "${0%/*}/lib.sh"
need_root
need_prog mkcomposefs cfs-store composefs-info
need_cmd mkfs.btrfs mkfs.xfs

# write_while_read FILE COMMAND...: run the command, and change the first bytes of FILE
# once some of it was read; what is read may be a nameless file with the same blocks.
cat >"$WORK/write_while_read.py" <<'END'
import glob, mmap, os, subprocess, sys, time

path = sys.argv[1]
with open(path, "r+b") as file:
    page = mmap.mmap(file.fileno(), 4096)
page[0] = page[0]  # dirty and mapped for writing: later stores change no time


def is_read(pid):
    try:
        read = int(open(f"/proc/{pid}/io").readline().split()[1])
    except OSError:
        return False
    # More than all small files, so some of a large one.
    if read < 2 << 20:
        return False
    for link in glob.glob(f"/proc/{pid}/fd/*"):
        try:
            target = os.readlink(link)
        except OSError:
            continue
        if target == path or "deleted" in target:
            return True
    return False


process = subprocess.Popen(sys.argv[2:])
written = False
while process.poll() is None and not written:
    if is_read(process.pid):
        page[0:16] = b"OTHER BYTES HERE"
        written = True
print("written while it was read:", written, flush=True)
sys.exit(process.wait())
END

tried=0
for type in xfs btrfs; do
	grep -qw "$type" /proc/filesystems || { echo "the kernel has no $type"; continue; }
	tried=$((tried + 1))
	truncate -s 900M "$WORK/$type.img"
	"mkfs.$type" -q "$WORK/$type.img" >/dev/null 2>&1
	mkdir "$WORK/$type"
	mount -o loop "$WORK/$type.img" "$WORK/$type"
	cd "$WORK/$type"
	mkdir -p tree/first tree/last
	for i in $(seq 9); do
		seq "$i" 999 | tee "tree/first/$i" >"tree/last/x$i"
	done
	head -c 96M /dev/urandom >whole
	digest=$(composefs-info measure-file whole)
	for store in new used; do
		for twin in "" tree/first/twin tree/last/twin; do
			rm -rf store tree/*/victim tree/*/twin
			[ "$store" = new ] || mkcomposefs --store=store --name=old tree
			cp --reflink=never whole tree/first/victim
			[ -z "$twin" ] || cp --reflink=never whole "$twin"
			sync -f .
			status=0
			python3 "$WORK/write_while_read.py" "$PWD/tree/first/victim" \
				mkcomposefs --threads=1 --store=store --name=app tree \
				>"$WORK/out" 2>&1 || status=$?
			cat "$WORK/out"
			assert_in "written while it was read: True" "$WORK/out"
			[ "$status" = 0 ] || assert_in "it changed while it was read" "$WORK/out"
			# What fails leaves no store where there was none.
			[ ! -e store ] || cfs-store verify --full store
			object=store/objects/$(object_path "$digest")
			[ ! -e "$object" ] || cmp "$object" whole
		done
	done
	cd /
	umount "$WORK/$type"
done
[ "$tried" -gt 0 ] || skip "the kernel has neither btrfs nor xfs"
