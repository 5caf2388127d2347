#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# composefs-info missing-objects: exit status 0 if nothing is missing, 2 if something is,
# 1 for an error; an object of the wrong size, or that is no file, is missing.
# also: address
. "${0%/*}/lib.sh"
need_prog mkcomposefs composefs-info

make_tree "$WORK/tree"
mkcomposefs --digest-store="$WORK/objects" "$WORK/tree" "$WORK/image"

# missing STATUS COUNT: of what is in $WORK/objects.
missing() {
	local status=0

	composefs-info --basedir="$WORK/objects" missing-objects "$WORK/image" \
		>"$WORK/list" || status=$?
	assert_eq "$status" "$1" "exit status"
	assert_eq "$(wc -l <"$WORK/list")" "$2" "objects missing"
}

composefs-info objects "$WORK/image" >"$WORK/all"
total=$(wc -l <"$WORK/all")
[ "$total" -gt 4 ] || fail "the tree has only $total objects"
sort -uc "$WORK/all" || fail "objects are not sorted, or not unique"
assert_eq "$total" "$(find "$WORK/objects" -type f | wc -l)" "objects named"
missing 0 0

mapfile -t objects <"$WORK/all"
rm "$WORK/objects/${objects[0]}"
missing 2 1
assert_eq "$(cat "$WORK/list")" "${objects[0]}" "the missing object"
mkdir "$WORK/objects/${objects[0]}"
missing 2 1
chmod u+w "$WORK/objects/${objects[1]}"
truncate -s +1 "$WORK/objects/${objects[1]}"
missing 2 2
rm -r "$WORK/objects"
mkdir "$WORK/objects"
missing 2 "$total"

composefs-info --json --basedir="$WORK/objects" missing-objects "$WORK/image" \
	>"$WORK/json" || true
assert_eq "$(python3 -c 'import json, sys; print(len(json.load(sys.stdin)))' <"$WORK/json")" \
	"$total" "objects in JSON"

status=0
composefs-info --basedir="$WORK/objects" missing-objects "$WORK/none" \
	2>"$WORK/err" || status=$?
assert_eq "$status" 1 "exit status for no image"
assert_in "$WORK/none" "$WORK/err"
assert_fails composefs-info --basedir="$WORK/none" missing-objects "$WORK/image"
