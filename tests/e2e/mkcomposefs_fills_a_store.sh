#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# --store: objects and image in a store, under a name, and nothing twice.
# --digest-store: the same objects in a folder of their own.
. "${0%/*}/lib.sh"
need_prog mkcomposefs composefs-info
need_cmd jq

make_tree "$WORK/tree"
mkcomposefs --store="$WORK/store" --name=first --json "$WORK/tree" "$WORK/image" >"$WORK/json"
digest=$(jq -r .digest "$WORK/json")
objects=$(jq .objects "$WORK/json")
assert_eq "$(jq .new_objects "$WORK/json")" "$objects" "new objects of an empty store"
assert_eq "$(readlink "$WORK/store/images/first")" "../objects/$(object_path "$digest")" "first"
cmp "$WORK/image" "$WORK/store/images/first"
assert_eq "$(mkcomposefs --print-digest-only "$WORK/tree")" "$digest" "digest without a store"

# Each object is what its name says, read-only and without anything of its source.
composefs-info objects "$WORK/image" >"$WORK/names"
assert_eq "$(wc -l <"$WORK/names")" "$objects" "objects that the image names"
assert_eq "$(count_objects "$WORK/store")" "$((objects + 1))" "objects in the store"
(cd "$WORK/store/objects" && xargs composefs-info measure-file <"$WORK/names") >"$WORK/found"
tr -d / <"$WORK/names" | cmp - "$WORK/found"
assert_eq "$(find "$WORK/store/objects" -type f ! -perm 444)" "" "objects that are not 0444"
getfattr -R -m - "$WORK/store/objects" >"$WORK/xattrs" 2>&1
assert_eq "$(grep -vc '^getfattr\|^$' "$WORK/xattrs" || true)" 0 "xattrs of objects"

# Again: nothing new.  A changed file: one object more.
mkcomposefs --store="$WORK/store" --name=second --json "$WORK/tree" >"$WORK/json"
assert_eq "$(jq .new_objects "$WORK/json")" 0 "new objects of the same tree"
head -c 777 /dev/urandom >"$WORK/tree/one-more"
mkcomposefs --store="$WORK/store" --json "$WORK/tree" >"$WORK/json"
assert_eq "$(jq .new_objects "$WORK/json")" 1 "new objects of a changed tree"
assert_eq "$(jq .new_bytes "$WORK/json")" 777 "new bytes of a changed tree"
third=$(jq -r .digest "$WORK/json")
[ -e "$WORK/store/images/$third" ] || fail "an image without a name has its digest as name"

# A damaged object (here: too short) is replaced.
object=$WORK/store/objects/$(head -n1 "$WORK/names")
: >"$WORK/short"
mv "$WORK/short" "$object"
mkcomposefs --store="$WORK/store" --name=third "$WORK/tree"
name=$(head -n1 "$WORK/names")
assert_eq "$(composefs-info measure-file "$object")" "${name/\//}" "the healed object"

mkcomposefs --digest-store="$WORK/objects" "$WORK/tree" "$WORK/image2"
(cd "$WORK/objects" && find . -type f -print | sort) >"$WORK/list"
composefs-info objects "$WORK/image2" | sed 's,^,./,' | cmp - "$WORK/list"

# An image of a dump: the objects are somebody else's business.
composefs-info dump "$WORK/image2" |
	mkcomposefs --from-file --store="$WORK/other" --name=lazy -
cmp "$WORK/image2" "$WORK/other/images/lazy"
assert_eq "$(count_objects "$WORK/other")" 1 "objects of a dump"
