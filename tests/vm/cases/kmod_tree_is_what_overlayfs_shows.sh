#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# limit: 200
# Entry by entry, composefs.ko shows what overlayfs on EROFS shows of the same image,
# for both versions of the format; and what is no business of overlayfs: numbers of
# inodes that stay, large directories that can be read from any place, ACLs that count.
. "$(dirname "$0")/../module.sh"

mkdir mnt
python3 "$E2E/tree.py" tree --overlay
setfattr -n security.test -v label tree/large
for version in 0 1; do
	mkcomposefs --digest-store=objects --min-version=$version --hardlinks tree img.$version
	mount -t composefs -o basedir=objects,verity_check=2 img.$version mnt
	mount_by_hand img.$version overlay objects
	check compare-trees --nlink --hash overlay mnt
	# With nothing in the caches the numbers are the same again.
	find mnt -printf '%i %s %b %P\n' | sort >first
	drop_caches
	find mnt -printf '%i %s %b %P\n' | sort >second
	cmp first second
	assert_eq "$(stat mnt/7f 2>&1 | grep -c 'No such file')" 1 "a stub can be seen"
	umount overlay overlay.erofs mnt
done

# 5,000 long names: complete, and the same from any position.
mkdir big
name=$(printf 'n%.0s' $(seq 249))
seq -f "big/$name%06.0f" 5000 | xargs touch
mkcomposefs --digest-store=objects big big.img
mount -t composefs -o basedir=objects big.img mnt
assert_eq "$(find mnt -mindepth 1 | wc -l)" 5000 "names"
python3 - <<'EOF'
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.opendir.restype = libc.readdir.restype = ctypes.c_void_p
libc.telldir.restype = ctypes.c_long
d = libc.opendir(b"mnt")
seen = []
while True:
    place = libc.telldir(ctypes.c_void_p(d))
    entry = libc.readdir(ctypes.c_void_p(d))
    if not entry:
        break
    seen.append((place, ctypes.string_at(entry + 19)))
assert len(seen) == 5002, len(seen)
assert [n for _, n in seen] == sorted(n for _, n in seen)
for place, name in seen[::-997]:
    libc.seekdir(ctypes.c_void_p(d), ctypes.c_long(place))
    again = ctypes.string_at(libc.readdir(ctypes.c_void_p(d)) + 19)
    assert again == name, (place, name, again)
EOF
umount mnt
