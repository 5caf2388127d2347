#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An image names objects of sizes that no disk has: opening them fails at once, nothing is
# removed for them, no one else waits, and all others still come: on reading, ahead of
# readers within a rate, and by cfs-seed.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_prog cfs-fetch cfs-seed cfs-serve mkcomposefs cfs-store composefs-info

mkdir "$WORK/tree"
for i in $(seq 12); do
	head -c $((20000 + i)) /dev/urandom >"$WORK/tree/$i"
done
make_origin
# Trees are offered, so that large objects are read in part.
mkdir "$ORIGIN/verity"
start_mirror

huge=()
composefs-info dump "$ORIGIN/images/tree" >"$WORK/dump"
n=0
for size in 8796093022208 17592186040320 100000000000000 9007199254740991; do
	hex=$(printf 'a%d%062d' "$n" 7)
	huge+=("${hex:0:2}/${hex:2}")
	echo "/huge$n $size 100644 1 0 0 0 0.0 ${hex:0:2}/${hex:2} - $hex" >>"$WORK/dump"
	n=$((n + 1))
done
mkcomposefs --from-file "$WORK/dump" "$WORK/huge.img"

new_huge_store() {
	rm -rf "$WORK/store"
	mkdir -p "$WORK/store/objects" "$WORK/store/images"
	cfs-store import "$WORK/store" "$WORK/huge.img" huge >/dev/null
	# What no image needs: it must not go in vain.
	mkcomposefs --store="$WORK/store" --name=spare "$WORK/spare" 2>/dev/null
	cfs-store unpin "$WORK/store" spare
}
mkdir "$WORK/spare"
for i in $(seq 5); do
	head -c 50000 /dev/urandom >"$WORK/spare/$i"
done

for option in "" --partial-reads "--partial-reads --max-size=64M"; do
	new_huge_store
	before=$(count_objects "$WORK/store")
	# shellcheck disable=SC2086
	start_fetch "$WORK/store" "$WORK/objects" --mirror "$SERVE_URL" $option
	for path in "${huge[@]}"; do
		start=$(now_ms)
		assert_errno ENOSPC read "$WORK/objects/$path" &
		reader=$!
		cat "$WORK/objects/.cfs/metrics" >/dev/null
		wait "$reader"
		[ $(($(now_ms) - start)) -lt 3000 ] || fail "it took $(($(now_ms) - start)) ms"
	done
	assert_eq "$(count_objects "$WORK/store")" "$before" "objects, of which none was to go"
	cmp "$WORK/tree/3" "$WORK/objects/$(path_of 3)"
	umount "$WORK/objects"
	stop_bg "$FETCH_PID"
done

new_huge_store
start_fetch "$WORK/store" "$WORK/objects" --mirror "$SERVE_URL" --complete --complete-rate=1M
wait_for 20 counter_is 12 fetches objects
umount "$WORK/objects"
stop_bg "$FETCH_PID"

new_huge_store
status=0
cfs-seed --store="$WORK/store" --mirror="$SERVE_URL" --limit-rate=10M "$WORK/huge.img" >"$WORK/seed" 2>&1 || status=$?
assert_eq "$status" 3 "exit status of cfs-seed"
assert_in "larger than" "$WORK/seed"
for i in $(seq 12); do
	[ -e "$WORK/store/objects/$(path_of "$i")" ] || fail "cfs-seed left out $i"
done
