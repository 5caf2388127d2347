#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An image can read a file from a path that is not the name of its object (OSTree's
# aa/<62 hex>.file), or name no digest (a container store's blob).  cfs-seed, cfs-store
# and composefs-info agree on what it needs: by digest where the path says it, and what
# no mirror can give is said, never "complete".
. "${0%/*}/lib.sh"
need_root
need_prog mkcomposefs cfs-store cfs-seed cfs-serve composefs-info

mkdir "$WORK/tree"
for i in 1 2 3; do
	seq "$i" 3000 >"$WORK/tree/$i"
done
make_store "$WORK/origin" "$WORK/tree" plain
composefs-info dump "$WORK/origin/images/plain" >"$WORK/dump"
# of fields: path size mode nlink uid gid rdev mtime payload content digest
awk '$9 ~ /^[0-9a-f][0-9a-f]\// { $9 = $9 ".file" } { print }' "$WORK/dump" >"$WORK/ostree.dump"
awk '$11 != "-" { $11 = "-" } { print }' "$WORK/dump" >"$WORK/nameless.dump"
awk '$9 ~ /^[0-9a-f][0-9a-f]\// { $9 = "files" $1; $11 = "-" } { print }' "$WORK/dump" >"$WORK/strange.dump"
for kind in ostree nameless strange; do
	mkcomposefs --from-file "$WORK/$kind.dump" "$WORK/$kind.img"
done
start_serve "$WORK/origin" --unsealed

# No digest, but the path is the name of an object: fetched and missed as any other.
assert_eq "$(composefs-info missing-objects "$WORK/nameless.img" | wc -l)" 3 "missing objects"
cfs-seed --quiet --store="$WORK/store" --name=nameless "$WORK/nameless.img" >"$WORK/out" 2>&1 &&
	fail "complete without its objects"
assert_eq "$(cfs-store du --json "$WORK/store" | jq '.images[0].missing.objects')" 3 "missing, says du"
cfs-seed --json --store="$WORK/store" --mirror="$SERVE_URL" "$WORK/nameless.img" >"$WORK/report"
assert_eq "$(jq -c '[.complete, .downloaded.objects, .no_object.objects]' "$WORK/report")" '[true,3,0]' report
assert_eq "$(cfs-store du --json "$WORK/store" | jq '.images[0].missing.objects')" 0 "missing, says du"
composefs-info --basedir="$WORK/store/objects" missing-objects "$WORK/nameless.img"
cfs-store gc "$WORK/store"
composefs-info --basedir="$WORK/store/objects" missing-objects "$WORK/nameless.img"

# A path that is no object's name: said, and never complete, by whatever way it came.
for kind in ostree strange; do
	rm -rf "$WORK/store"
	for from in --mirror="$SERVE_URL" --from="$WORK/tree"; do
		status=0
		cfs-seed --store="$WORK/store" "$from" --name=app "$WORK/$kind.img" >"$WORK/out" 2>&1 ||
			status=$?
		assert_eq "$status" 3 "status of cfs-seed $from of $kind"
		assert_in "3 files can't be had from a mirror" "$WORK/out"
		assert_in "incomplete" "$WORK/out"
	done
	cfs-store du "$WORK/store" >"$WORK/out"
	assert_in "app: also missing, and not to be had from a mirror: 3 files" "$WORK/out"
	assert_eq "$(cfs-store du --json "$WORK/store" | jq -c '.images[0] | [.missing.objects, .no_object.objects]')" \
		'[0,3]' "what is missing of $kind"
	composefs-info --basedir="$WORK/store/objects" missing-objects "$WORK/$kind.img" >"$WORK/out" &&
		fail "nothing missing of $kind"
	assert_eq "$(wc -l <"$WORK/out")" 3 "missing objects of $kind"
	# The program that made the image can put them there.
	composefs-info objects "$WORK/$kind.img" | while read -r path; do
		i=$(composefs-info ls "$WORK/$kind.img" | awk -v p="$path" '$3 == p { sub("/", "", $1); print $1 }')
		mkdir -p "$(dirname "$WORK/store/objects/$path")"
		cp "$WORK/tree/$i" "$WORK/store/objects/$path"
	done
	cfs-seed --store="$WORK/store" --mirror="$SERVE_URL" "$WORK/$kind.img"
	cfs-store gc "$WORK/store"
	composefs-info --basedir="$WORK/store/objects" missing-objects "$WORK/$kind.img"
	cfs-store du "$WORK/store" >"$WORK/out"
	! grep -q "not to be had" "$WORK/out" || fail "missed though it is there"
done
