#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Objects, content inside the image and empty files, by every way of reading; programs
# and libraries run from a mount; two images that share an object share its pages.
. "$(dirname "$0")/../module.sh"

mkdir src mnt mnt2
head -c 1300007 /dev/urandom >src/object
head -c 60 /dev/urandom >src/inline
: >src/empty
truncate -s 1M src/sparse
printf data | dd of=src/sparse bs=1 seek=524288 conv=notrunc status=none
cp /bin/true src/program
cp "$(ldconfig -p | awk '/libz.so.1 / && /x86-64/ { print $NF; exit }')" src/libz.so.1
mkcomposefs --digest-store=objects src img
digest=$(fsverity digest --compact src/sparse)
cp --sparse=always src/sparse "objects/${digest:0:2}/new"
fsverity enable "objects/${digest:0:2}/new"
mv -f "objects/${digest:0:2}/new" "objects/${digest:0:2}/${digest:2}"
mount -t composefs -o basedir=objects,verity_check=2 img mnt

for way in read nowait mmap-private mmap-shared mmap-written direct sendfile splice uring \
	uring-direct; do
	for name in object inline empty; do
		case $way-$name in
		mmap*-empty) continue ;;	# mmap(2) of no bytes is EINVAL
		esac
		for cache in cold warm; do
			if [ "$cache" = cold ]; then drop_caches; fi
			readway "$way" "mnt/$name" >out 2>err ||
				fail "$cache $way of $name: $(cat err)"
			cmp "src/$name" out || fail "$cache $way of $name"
		done
	done
done

# ext4 reads what has fs-verity through the page cache even then; what has not, directly.
mkdir src/bare
head -c 1300007 /dev/urandom >src/bare/direct
mkcomposefs --digest-store=sealed src/bare bare.img
cp -r --no-preserve=all sealed bare
mount -t composefs -o basedir=bare bare.img mnt2
for way in direct uring-direct; do
	drop_caches
	readway $way mnt2/direct >out 2>err || fail "$way without fs-verity: $(cat err)"
	cmp src/bare/direct out || fail "$way without fs-verity"
	[ "$(readway resident mnt2/direct)" -lt 100 ] || fail "$way filled the page cache"
done
umount mnt2

# A shared mapping can't become writable.
assert_errno EROFS open-write mnt/object

grep -q " $WORK/mnt/object\$" <(readway maps mnt/object) || fail "$(readway maps mnt/object)"
assert_eq "$(readway holes mnt/sparse)" "$(readway holes src/sparse)" "holes"
# fadvise reaches the object's pages, and they are what mincore(2) sees.
cat mnt/object >/dev/null
assert_eq "$(readway resident mnt/object)" 318 "pages of a file just read"
readway dontneed mnt/object
[ "$(readway resident mnt/object)" -lt 32 ] || fail "fadvise dropped nothing"

mnt/program || fail "exec"
LD_LIBRARY_PATH=$WORK/mnt python3 - "$WORK/mnt/libz.so.1" <<'EOF'
import ctypes, sys
assert ctypes.CDLL(sys.argv[1]).zlibVersion
path = [line for line in open("/proc/self/maps") if sys.argv[1] in line]
assert path, "the library's path is not in maps"
EOF

# Reading an object in a second image adds nothing to the page cache.
mkdir src2
cp src/object src2/other-name
mkcomposefs --digest-store=objects src2 img2
mount -t composefs -o basedir=objects img2 mnt2
drop_caches
assert_eq "$(readway resident mnt/object)" 0 "pages of a file not read"
cat mnt2/other-name >/dev/null
for file in mnt/object mnt2/other-name; do
	assert_eq "$(readway resident $file)" 318 "pages of $file, read in one image"
done
drop_caches
cached() { awk '$1 == "Cached:" { print $2 * 1024 }' /proc/meminfo; }
exec 3<mnt2/other-name
before=$(cached)
cat mnt/object >/dev/null
first=$(cached)
cat mnt2/other-name >/dev/null
second=$(cached)
echo "page cache: $before bytes, after reading it in one image $first, in the other $second"
[ $((first - before)) -ge 1200000 ] || fail "the object did not enter the page cache"
[ $((second - first)) -lt 600000 ] || fail "the second image brought pages of its own"
exec 3<&-
umount mnt mnt2

# As an ordinary user: the image's permissions count, not the objects'.
chmod 700 objects
chmod 644 src/object
chmod 600 src/inline
mkcomposefs --digest-store=objects src img
mount -t composefs -o basedir=objects img mnt
chmod 711 .
setpriv --reuid 1000 --regid 1000 --clear-groups cmp src/object mnt/object
assert_fails setpriv --reuid 1000 --regid 1000 --clear-groups cat mnt/inline
umount mnt
