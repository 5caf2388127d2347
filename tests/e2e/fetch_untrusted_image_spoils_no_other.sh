#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An image in the same store that gives the objects of another one other sizes, smaller,
# larger and absurd ones, or names digests that only begin like them: all files of the
# other one are read, in any order of arrival, and the mirror is blamed for nothing.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
. "$E2E/partial_lib.sh"
need_root
need_fuse
need_fs erofs
need_fs overlay
need_prog cfs-fetch cfs-seed cfs-serve mkcomposefs cfs-store composefs-info

mkdir "$WORK/tree"
for size in 100 4097 70000 300001; do head -c $size /dev/urandom >"$WORK/tree/f$size"; done
head -c $((18 << 20)) /dev/urandom >"$WORK/tree/big"
make_origin
cfs-store trees "$ORIGIN" >/dev/null
start_mirror

# forge NAME AWK: an image with the dump's lines of objects changed.
forge() {
	composefs-info dump "$ORIGIN/images/tree" |
		awk '$2 > 64 && substr($3, 1, 1) == "1" { '"$2"' } { print }' >"$WORK/dump"
	mkcomposefs --from-file "$WORK/dump" "$WORK/$1.img"
}
forge small '$2 = 1'
forge large '$2 = $2 + 4096'
forge absurd '$2 = "4000000000000"'
# Another last digit of the digest, and of the path that is made of it.
forge alike 'c = substr($11, 64) == "0" ? "1" : "0"; $11 = substr($11, 1, 63) c; $9 = substr($9, 1, 64) c'

# reads_all: through the fetcher's own tree and through overlayfs.
reads_all() {
	local file

	for file in "$WORK/tree"/*; do
		file=${file##*/}
		cmp "$WORK/tree/$file" "$WORK/objects/$(path_of "$file")"
		cmp "$WORK/tree/$file" "$WORK/mnt/$file"
		assert_eq "$(stat -c %s "$WORK/objects/$(path_of "$file")")" \
			"$(stat -c %s "$WORK/tree/$file")" "size of $file in the fetcher's tree"
	done
}

# mirror_is_good: it was blamed for nothing.
mirror_is_good() {
	cfs-fetch --status "$WORK/objects" --json | python3 -c '
import json, sys
for mirror in json.load(sys.stdin)["mirrors"]:
    bad = {k: n for k, n in mirror["results"].items() if n and k not in ("ok", "cancelled")}
    if mirror["state"] != "good" or bad:
        sys.exit(f"{mirror}")'
}

round=0
for forged in small large absurd alike "small large absurd alike"; do
	for first in forged good later alone; do
		[ "$first" != alone ] || [ "$forged" = small ] || [ "$forged" = large ] || continue
		round=$((round + 1))
		store=$WORK/store$round
		mkdir -p "$store/objects" "$store/images"
		import_forged() {
			local name

			for name in $forged; do
				cfs-store import "$store" "$WORK/$name.img" "$1-$name" >/dev/null
			done
		}
		# The order of names decides in some file systems; the hash in others.
		case $first in forged | alone) import_forged a ;; esac
		[ "$first" = alone ] ||
			cfs-store import "$store" "$ORIGIN/images/tree" m >/dev/null
		[ "$first" != good ] || import_forged z
		start_fetch "$store" "$WORK/objects" --partial-reads --no-prefetch --mirror "$SERVE_URL"
		if [ "$first" = later ]; then
			stat "$WORK/objects/$(path_of f4097)" >/dev/null
			import_forged z
			kill -HUP "$FETCH_PID"
			sleep 0.2
		fi
		# Nobody tells the fetcher of the second one.
		[ "$first" != alone ] ||
			cfs-store import "$store" "$ORIGIN/images/tree" m >/dev/null
		mount_by_hand "$store/images/m" "$WORK/mnt" "$store/objects" "$WORK/objects/retry"
		reads_all || fail "$forged, $first first"
		mirror_is_good || fail "$forged, $first first: the mirror was blamed"
		umount "$WORK/mnt" "$WORK/mnt.erofs"
		stop_bg "$FETCH_PID"
	done
done

# cfs-seed, with the forged image first and last.
for order in "small tree" "tree small" "absurd tree"; do
	store=$WORK/seeded${order// /-}
	mkdir -p "$store/objects" "$store/images"
	cfs-store import "$store" "$ORIGIN/images/tree" tree >/dev/null
	words=()
	for name in $order; do
		[ "$name" = tree ] || cfs-store import "$store" "$WORK/$name.img" "$name" >/dev/null
		digest=$(readlink "$store/images/$name")
		words+=("$(tr -d / <<<"${digest#../objects/}")")
	done
	cfs-store du "$store" --json | python3 -c '
import json, sys
missing = json.load(sys.stdin)["total"]["missing"]["bytes"]
sys.exit(f"{missing} bytes missing" if missing > 50_000_000 else 0)'
	cfs-seed --store "$store" --mirror "$SERVE_URL" --quiet "${words[@]}"
	for file in "$WORK/tree"/*; do
		cmp "$file" "$store/objects/$(path_of "${file##*/}")"
	done
	cfs-store verify "$store" --full >/dev/null
	# All is here now, whatever one of the images says.
	cfs-seed --store "$store" --mirror "$SERVE_URL" --quiet "${words[@]}"
done
