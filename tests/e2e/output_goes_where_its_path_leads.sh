#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An output path that leads to a pipe, a descriptor, a device or a socket is written to;
# one that leads to a file, or to nothing, gets a new file in its place.  No link and no
# special file is ever replaced.
# also: address
. "${0%/*}/lib.sh"
need_prog mkcomposefs cfs-fetch

make_tree "$WORK/tree"
mkcomposefs "$WORK/tree" "$WORK/want"
mkdir "$WORK/dev"
cd "$WORK"
# /dev as it is, without the risk to the real one.
links() { rm -rf dev; mkdir dev; ln -s /proc/self/fd/1 dev/stdout; ln -s /proc/self/fd dev/fd; ln -s dev/stdout twice; }
make() { mkcomposefs tree "$1"; }
same() { cmp "$1" want || fail "$2: other bytes"; rm -f "$1"; }
kept() {
	[ -L dev/stdout ] || fail "$1: the link was replaced"
	[ -L dev/fd ] || fail "$1: the folder's link was replaced"
}

links
for path in - dev/stdout dev/fd/1 twice /dev/stdout /dev/fd/1 /proc/self/fd/1 /proc/thread-self/fd/1; do
	make "$path" | cat >got
	same got "$path to a pipe"
	make "$path" >got
	same got "$path to a file"
	# The shell's position, and what it says of appending, count.
	{ echo before; make "$path"; echo after; } >got
	{ echo before; cat want; echo after; } | cmp - got || fail "$path in the midst of a file"
	echo before >got
	make "$path" >>got
	{ echo before; cat want; } | cmp - got || fail "$path appended"
	kept "$path"
done
make dev/fd/7 7>got
same got "a descriptor of its own number"
make >(cat >got)
wait_for 5 cmp -s got want
rm got
python3 - tree want <<-'END'
	import socket, subprocess, sys
	tree, want = sys.argv[1:]
	a, b = socket.socketpair()
	p = subprocess.Popen(["mkcomposefs", tree, f"/dev/fd/{b.fileno()}"], pass_fds=[b.fileno()])
	b.close()
	got = b"".join(iter(lambda: a.recv(1 << 16), b""))
	assert p.wait() == 0 and got == open(want, "rb").read(), "a socket got other bytes"
	# A file without a name.
	f = open("gone", "wb+")
	import os
	os.unlink("gone")
	subprocess.run(["mkcomposefs", tree, f"/proc/self/fd/{f.fileno()}"], pass_fds=[f.fileno()], check=True)
	f.seek(0)
	assert f.read() == open(want, "rb").read(), "a deleted file got other bytes"
	# Through another process' descriptor.
	f.seek(0)
	f.write(b"x" * 100000)
	f.flush()
	subprocess.run(["mkcomposefs", tree, f"/proc/{os.getpid()}/fd/{f.fileno()}"], check=True)
	f.seek(0)
	assert f.read() == open(want, "rb").read(), "another's descriptor got other bytes"
	assert not [x for x in os.listdir(".") if "deleted" in x], "a file for a deleted name"
END

# What is not open for writing, or is the program's own, is nobody's output.
assert_fails make dev/fd/7 7<want 2>err
assert_in "Bad file descriptor" err
assert_fails make - >&- 2>err
assert_fails make dev/stdout >&- 2>err
kept "closed"
for fd in $(seq 3 20); do
	[ ! -e "/proc/self/fd/$fd" ] || continue
	! mkcomposefs --store=store tree "/dev/fd/$fd" 2>/dev/null || fail "descriptor $fd was written to"
done

mkfifo fifo
ln -s fifo to-fifo
for path in fifo to-fifo; do
	cat fifo >got &
	make "$path"
	wait $!
	same got "$path"
done
[ -p fifo ] || fail "the FIFO was replaced"
make /dev/null
[ -c /dev/null ] || fail "/dev/null was replaced"
if [ -c /dev/full ]; then
	assert_fails make /dev/full 2>err
	assert_in "No space left" err
	mkcomposefs --store=full-store --name=os tree
	for command in "import full-store want os2" "gc full-store" "ls full-store" --help; do
		# shellcheck disable=SC2086 # words
		assert_fails cfs-store $command 2>err >/dev/full
		assert_in "stdout: No space left" err
	done
fi
mksock "$WORK/socket"
assert_fails make socket 2>err
[ -S socket ] || fail "the socket was replaced"
if [ "$(id -u)" = 0 ]; then
	mknod zero c 1 3
	make zero
	[ -c zero ] || fail "a device was replaced"
	truncate -s 16M disk
	if loop=$(losetup -f --show disk 2>/dev/null); then
		make "$loop"
		[ -b "$loop" ] || fail "a block device was replaced"
		losetup -d "$loop"
		cmp -n "$(stat -c %s want)" disk want
	fi
fi

# Files: a new one in its place, with mode and owner of the old; links stay, also those
# to what is not there yet.
echo old >file
chmod 640 file
[ "$(id -u)" != 0 ] || chown 1234:5678 file
old=$(stat -c '%a %u %g' file)
ln file other
ln -s file link
exec 8<file
make link
[ -L link ] || fail "a link to a file was replaced"
assert_eq "$(stat -c '%a %u %g' file)" "$old" "mode and owner"
assert_eq "$(cat other) $(cat <&8)" "old old" "other names and open descriptors"
same file "a link to a file"
ln -s sub/new dangling
mkdir sub
make dangling
[ -L dangling ] || fail "a dangling link was replaced"
same sub/new "a dangling link"
ln -s loop-b loop-a
ln -s loop-a loop-b
assert_fails make loop-a 2>err
assert_fails make sub 2>err
assert_in "Is a directory" err
assert_fails make new/ 2>err
(cd sub && mkcomposefs ../tree - | cat >got && cmp got ../want && [ ! -e ./- ])
if [ "$(id -u)" = 0 ]; then
	: >mounted
	echo old >below
	mount --bind below mounted
	make mounted
	cmp below want
	umount mounted
	# Another user's link in a folder for all is not followed.
	mkdir -m 1777 all
	ln -s ../file all/link
	chown -h 1234 all/link
	assert_fails make all/link 2>err
	assert_in "Permission denied" err
fi

# The other programs that write files go the same way.
printf '# cfs-record 1\n# mirror 0 http://127.0.0.1\n#= 0 1 2 3 4096 demand 0\n%064d\n' 7 >record
cfs-fetch report record --plot=plain.svg >/dev/null
for path in - dev/stdout dev/fd/1; do
	{ cfs-fetch report record --plot="$path" | sed -n '/<svg/,$p'; } | cmp - <(sed -n '/<svg/,$p' plain.svg)
	kept "--plot=$path"
done
cat fifo >got &
cfs-fetch report record --plot=fifo >/dev/null
wait $!
cmp got plain.svg
need_root
need_fuse
# The daemon writes again and again, and waits for no reader: a FIFO that has none gets
# nothing, and one whose reader stops holds nothing up.
mkdir filled mnt
mkcomposefs --store=filled tree
at_exit umount -l "$WORK/mnt"
mkfifo record-fifo
sleep 100 <>record-fifo &
SLEEP=$!
at_exit stop_bg "$SLEEP"
head -c 65536 /dev/zero >record-fifo
start_bg "$WORK/log" cfs-fetch --foreground --store filled --mirror http://127.0.0.1:1 \
	--status-file=fifo --record=record-fifo mnt
wait_for 10 mountpoint -q mnt
pipes_kept() { [ -p fifo ] && [ -p record-fifo ]; }
pipes_kept || fail "the daemon replaced a FIFO"
object=$(find filled/objects -type f -size +4k -printf '%P\n' | head -1)
cmp "mnt/$object" "filled/objects/$object"
stop_bg "$BG_PID"
pipes_kept || fail "the daemon replaced a FIFO at its end"
start_bg "$WORK/log" sh -c 'exec cfs-fetch --foreground --store filled --mirror http://127.0.0.1:1 --status-file=- mnt >status'
wait_for 10 grep -q '"mirrors"' status
