#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Whatever is wrong with a pack: what is read is right, what it brought is right, memory
# stays small, and a mirror that sends wrong bytes is blamed.
# limit: 300
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_cmd zstd
need_prog cfs-fetch cfs-serve cfs-store mkcomposefs

# AddressSanitizer keeps what was freed, so there the bound would say nothing.
MAX_RSS_KIB=$([ -n "${CFS_SANITIZED:-}" ] && echo 4000000 || echo 65536)

mkdir "$WORK/tree"
python3 - "$WORK/tree" <<'END'
import random, sys
random.seed(11)
words = [random.randbytes(5).hex() for _ in range(2000)]
for i in range(60):
    with open(f"{sys.argv[1]}/{i:02}", "w") as out:
        out.write(" ".join(random.choice(words) for _ in range(800 + 250 * i)))
END
make_origin
cfs-store pack --all --level=3 "$ORIGIN" tree
pack=$ORIGIN/packs/$IMAGE_DIGEST
cp "$pack" "$WORK/good"
start_mirror

wrong() { counter mirrors 0 results bad_digest 2>/dev/null || echo 0; }
pack_is_over() { grep -q "^[^ ]* pack .*result=$1" "$FETCH_LOG"; }

# spoilt WAY RESULT BLAMED
spoilt() {
	echo "$1"
	rm -f "$pack"
	python3 "$E2E/pack_mutate.py" "$1" "$WORK/good" "$pack"
	rm -rf "$WORK/store"
	new_store "$WORK/store"
	start_fetch "$WORK/store" "$WORK/objects" --mirror "$SERVE_URL"
	if [ "$2" = none ]; then
		asked() { grep -q "/packs/" "$SERVE_ACCESS"; }
		wait_for 30 asked
	else
		wait_for 30 pack_is_over "$2"
	fi
	mount_lazily "$WORK/store"
	check compare-trees --hash "$WORK/tree" "$WORK/mnt"
	umount -l "$WORK/mnt" "$WORK/mnt.erofs"
	assert_eq "$(counter requests failed)" 0 "failed reads"
	assert_eq "$([ "$(wrong)" -gt 0 ] && echo yes || echo no)" "$3" "was the mirror blamed"
	rss=$(awk '$1 == "VmHWM:" { print $2 }' "/proc/$FETCH_PID/status")
	[ "$rss" -le "$MAX_RSS_KIB" ] || fail "memory: $rss KiB"
	stop_bg "$FETCH_PID"
	: >"$SERVE_ACCESS"
	cfs-store verify --full "$WORK/store" >/dev/null
	assert_eq "$(find "$WORK/store/quarantine" -type f 2>/dev/null | wc -l)" 0 "objects set aside"
}

for way in magic other-image no-such-object object-twice empty only-a-header; do
	spoilt $way none yes
done
for way in swapped-objects wrong-byte bomb huge-window frames-swapped; do
	spoilt $way failed yes
done
spoilt truncated failed no
spoilt longer failed no
