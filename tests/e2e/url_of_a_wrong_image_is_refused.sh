#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Whatever a mirror sends in place of an image, it is not mounted and not pinned: noise,
# a damaged image, another image, nothing.
. "${0%/*}/lib.sh"
need_root
need_fuse

make_tree "$WORK/tree"
make_store "$WORK/origin" "$WORK/tree" tree
good=$IMAGE_DIGEST
mkdir "$WORK/other" "$WORK/mnt"
echo other >"$WORK/other/file"
make_store "$WORK/origin" "$WORK/other" other
other=$IMAGE_DIGEST

# A mirror that serves files as they are.
mkdir -p "$WORK/bad/images" "$WORK/bad/objects/${good:0:2}"
head -c 20000 /dev/urandom >"$WORK/bad/images/noise"
: >"$WORK/bad/images/empty"
cp "$WORK/origin/images/tree" "$WORK/bad/images/damaged"
# The root inode's type is no type.
offset=$(python3 -c '
import struct, sys
image = open(sys.argv[1], "rb").read()
print(struct.unpack_from("<H", image, 1024 + 14)[0] * 32 + 4)' "$WORK/bad/images/damaged")
printf '\xff\xff' | dd of="$WORK/bad/images/damaged" bs=1 seek="$offset" conv=notrunc status=none
head -c 9000 "$WORK/origin/images/tree" >"$WORK/bad/images/short"
cp "$WORK/origin/images/other" "$WORK/bad/objects/$(object_path "$good")"
port=$(free_port)
start_bg "$WORK/bad.log" python3 -m http.server --bind 127.0.0.1 --directory "$WORK/bad" "$port"
wait_port "$port"
url=http://127.0.0.1:$port/images

refused() {
	assert_fails mount.composefs "$1" "$WORK/mnt" -o "store=$WORK/store,deadline=2,$2" 2>"$WORK/err"
	[ -s "$WORK/err" ] || fail "$1 was refused without a word"
	mountpoint -q "$WORK/mnt" && fail "$1 is mounted"
	assert_eq "$(ls "$WORK/store/images")" "" "what is pinned after $1"
	assert_eq "$(pgrep -xc cfs-fetch || true)" 0 "fetchers after $1"
}

for name in noise empty damaged short absent; do
	refused "$url/$name" ro
done
refused "$url/noise" "digest=$good,tryverity"
refused "$url/damaged" "digest=$good,tryverity"

# The right image is had from the mirror that has it.
start_serve "$WORK/origin"
mount.composefs "$url/tree" "$WORK/mnt" -o "store=$WORK/store,digest=$good,tryverity,mirror=$SERVE_URL"
check compare-trees --hash "$WORK/tree" "$WORK/mnt"
[ "$good" != "$other" ]
