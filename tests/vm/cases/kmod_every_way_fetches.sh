#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# limit: 200
# Whatever a program does first with a file that is not here yet, it works: each way of
# reading, execve(2), fexecve(3), dlopen(3), O_PATH and then open.
. "$(dirname "$0")/../module.sh"
# shellcheck source=tests/e2e/lazy.sh
. "$E2E/lazy.sh"

ways=(read nowait mmap-private mmap-shared mmap-written direct sendfile splice uring uring-direct)
mkdir tree mnt
for way in "${ways[@]}" readahead path; do
	head -c 200003 /dev/urandom >"tree/$way"
done
for name in execve fexecve; do		# not the same object
	cp /bin/true tree/$name
	echo $name >>tree/$name
done
cp "$(ldconfig -p | awk '/libz.so.1 / && /x86-64/ { print $NF; exit }')" tree/libz.so.1
make_origin
new_store "$WORK/store"
start_mirror
start_fetch "$WORK/store" "$WORK/objects" --mirror "$SERVE_URL"
mount -t composefs -o "basedir=$WORK/store/objects:$WORK/objects,verity_check=2" \
	"$WORK/store/images/tree" mnt

fetched() { mount_counter "$WORK/mnt" fetched; }
for way in "${ways[@]}"; do
	before=$(fetched)
	readway "$way" "mnt/$way" >out 2>err || fail "cold $way: $(cat err)"
	cmp "tree/$way" out || fail "cold $way"
	assert_eq "$(fetched)" $((before + 1)) "objects that $way fetched"
done
before=$(fetched)
mnt/execve || fail "execve"
python3 - <<'EOF'
import ctypes, os

assert os.spawnv(os.P_WAIT, "/bin/true", ["true"]) == 0
child = os.fork()
if child == 0:
    os.execve(os.open("mnt/fexecve", os.O_RDONLY | os.O_CLOEXEC), ["fexecve"], {})
assert os.waitpid(child, 0)[1] == 0, "fexecve"
assert ctypes.CDLL("mnt/libz.so.1").zlibVersion, "dlopen"
place = os.open("mnt/path", os.O_PATH)
assert os.fstat(place).st_size == 200003
again = os.open(f"/proc/self/fd/{place}", os.O_RDONLY)
assert os.read(again, 200003) == open("tree/path", "rb").read(), "O_PATH"
ahead = os.open("mnt/readahead", os.O_RDONLY)
os.posix_fadvise(ahead, 0, 0, os.POSIX_FADV_WILLNEED)
assert os.pread(ahead, 200003, 0) == open("tree/readahead", "rb").read(), "fadvise"
EOF
assert_eq "$(fetched)" $((before + 5)) "objects that programs fetched"
umount mnt
