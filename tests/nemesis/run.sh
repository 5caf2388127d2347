#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# run.sh [--seed=N] [--seconds=N] [--rounds=N] [--round-seconds=N]: the nemesis (nemesis.py), as
# root: three lying mirrors, a store on a small disk of its own, readers of all kinds.
# CFS_BUILD chooses the programs, also a build with sanitizers; KEEP=1 keeps logs.
# It ends after --seconds (default: 60), or with the first finding.  For hours:
#
#	tests/nemesis/run.sh --seconds=14400 --seed=$RANDOM
#
# limit: 400
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../e2e/lib.sh"
need_root
need_fuse
need_fs erofs
need_fs overlay
need_prog cfs-fetch cfs-seed cfs-store mkcomposefs mount.composefs

# Small files of all sizes, empty ones, two of the same content, and three that are fetched in parts.
mkdir -p "$WORK/tree/folder"
python3 - "$WORK/tree" <<'END'
import random, sys
top, dice = sys.argv[1], random.Random(23)
for i in range(80):
    n = dice.choice((0, 1, 100, 4096, 5000, 66000, 100000, 300000)) + i % 3
    with open(f"{top}/folder/{i:03}", "wb") as f:
        f.write(dice.randbytes(n // 2) * 2 + b"x" * (n % 2))
for i in range(3):
    with open(f"{top}/large{i}", "wb") as f:
        f.write(dice.randbytes(9_000_000 + i) * 2)
with open(f"{top}/same", "wb") as f:
    f.write(open(f"{top}/folder/005", "rb").read())
END
# The same digest in each run, so that a seed means the same.
find "$WORK/tree" -exec touch -h -d @1700000000 {} +
make_store "$WORK/origin" "$WORK/tree" tree
# What smarter mirrors have: Merkle trees, compressed objects, a profile and its pack.
find "$WORK/origin/objects" -type f -printf '%s %P\n' | sort -rn | cut -d' ' -f2 | tr -d / |
	grep -v "$IMAGE_DIGEST" | head -n 40 >"$WORK/profile"
mkdir -p "$WORK/origin/profiles"
cp "$WORK/profile" "$WORK/origin/profiles/$IMAGE_DIGEST"
cfs-store trees "$WORK/origin" >/dev/null
cfs-store compress "$WORK/origin" >/dev/null
cfs-store pack "$WORK/origin" tree >/dev/null

mkdir "$WORK/store"
truncate -s 400M "$WORK/disk"
mke2fs -q -t ext4 "$WORK/disk"
if mount -o loop "$WORK/disk" "$WORK/store" 2>"$WORK/err"; then
	at_exit umount -l "$WORK/store"
else
	echo "no disk of its own, so it never fills: $(cat "$WORK/err")"
fi
status=0
python3 "$here/nemesis.py" --work "$WORK" --store "$WORK/store" --origin "$WORK/origin" \
	--tree "$WORK/tree" "$@" || status=$?
if [ "$status" -ne 0 ]; then
	tail -n 30 "$WORK/fetch.log"
	if [ -n "${KEEP:-}" ]; then
		cp "$WORK/fetch.log" "$WORK"/requests.* "${TMPDIR:-/tmp}/"
	fi
fi
exit "$status"
