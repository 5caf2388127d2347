#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# cfs-serve --make-trees: who asks first for the tree of a large object gets 404, and
# a little later it is there, as fsverity makes it; of a small object, of none, and of a
# damaged one it never is.
. "${0%/*}/lib.sh"
need_prog cfs-serve mkcomposefs
need_cmd fsverity curl

mkdir "$WORK/tree"
head -c 20000000 /dev/urandom >"$WORK/tree/large"
head -c 17000000 /dev/urandom >"$WORK/tree/damaged"
head -c 5000 /dev/urandom >"$WORK/tree/small"
make_store "$WORK/store" "$WORK/tree" tree
place() { object_path "$(composefs-info measure-file "$WORK/tree/$1")"; }
rm -f "$WORK/store/objects/$(place damaged)"
head -c 17000000 /dev/zero >"$WORK/store/objects/$(place damaged)"
start_serve "$WORK/store" --make-trees --unsealed

status() { curl -s -o "$WORK/got" -w '%{http_code}' "$SERVE_URL/verity/$1"; }
has_tree() { [ "$(status "$(place large)")" = 200 ]; }
curl -s "$SERVE_URL/mirror" >"$WORK/mirror"
assert_in verity "$WORK/mirror"
for what in small damaged large; do
	assert_eq "$(status "$(place "$what")")" 404 "first answer for $what"
done
assert_eq "$(status "$(tr '0-9a-f' '1-9a-f0' <<<"$(place small)")")" 404 "no such object"
wait_for 20 has_tree
fsverity digest --out-merkle-tree="$WORK/want" "$WORK/tree/large" >/dev/null
cmp "$WORK/want" "$WORK/got"
assert_eq "$(status "$(place small)")" 404 "tree of a small object"
assert_eq "$(status "$(place damaged)")" 404 "tree of a damaged object"
assert_eq "$(find "$WORK/store/verity" -type f | wc -l)" 1 "trees"
assert_in "event=tree" "$SERVE_LOG"
