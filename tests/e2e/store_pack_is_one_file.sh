#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# cfs-store pack makes one file of what a profile lists, the same bytes each time; what it
# can't pack it says.  gc keeps packs and profiles as long as their image is there.
. "${0%/*}/lib.sh"
need_prog cfs-store mkcomposefs composefs-info

mkdir "$WORK/tree"
for i in $(seq 40); do
	seq "$i" $((i * 300)) >"$WORK/tree/$i"
done
make_store "$WORK/store" "$WORK/tree" app
for i in 9 3 12; do
	composefs-info measure-file "$WORK/tree/$i"
done >"$WORK/profile"
pack=$WORK/store/packs/$IMAGE_DIGEST

assert_fails cfs-store pack "$WORK/store" app 2>"$WORK/err"
assert_in "no such profile" "$WORK/err"
assert_fails cfs-store pack --profile="$WORK/none" "$WORK/store" app
assert_fails cfs-store pack --all "$WORK/store" nobody
assert_fails cfs-store pack --all --name=../x "$WORK/store" app
[ ! -e "$WORK/store/packs" ] || fail "something was written"

cfs-store pack --profile="$WORK/profile" --threads=1 "$WORK/store" app
cp "$pack" "$WORK/first"
mkdir "$WORK/store/profiles"
{ echo "# a comment"; cat "$WORK/profile"; printf '%064d\n' 0; } >"$WORK/store/profiles/$IMAGE_DIGEST"
cfs-store pack --threads=3 --json "$WORK/store" "$IMAGE_DIGEST" >"$WORK/json"
cmp "$pack" "$WORK/first"
assert_eq "$(jq -c '[.objects, .strange, .missing]' "$WORK/json")" "[3,1,0]" "report"
assert_eq "$(tail -n 1 "$WORK/store/mirror")" profiles "last word of the mirror file"
assert_in packs "$WORK/store/mirror"

cfs-store pack --all --name=all --max-object-size=10K "$WORK/store" app >"$WORK/all"
assert_in "left out, over --max-object-size" "$WORK/all"
[ -s "$pack.all" ] || fail "there is no pack of that name"

# A damaged object is told by name, and the old pack stays.
object=$WORK/store/objects/$(object_path "$(head -n 1 "$WORK/profile")")
if chmod 644 "$object" && echo x 2>/dev/null >>"$object"; then
	truncate -s -2 "$object"
	printf x | dd of="$object" conv=notrunc status=none
	assert_fails cfs-store pack "$WORK/store" app 2>"$WORK/err"
	assert_in "damaged" "$WORK/err"
	cmp "$pack" "$WORK/first"
fi

cfs-store gc "$WORK/store"
assert_eq "$(find "$WORK/store/packs" "$WORK/store/profiles" -type f | wc -l)" 3 "files that gc left"
cfs-store unpin "$WORK/store" app
cfs-store gc "$WORK/store"
assert_eq "$(find "$WORK/store/packs" "$WORK/store/profiles" -type f | wc -l)" 0 "files left by gc"
