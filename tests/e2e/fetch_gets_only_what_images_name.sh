#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A digest that no image names can be looked up, and opening it is EIO with one log line
# and without a request to the mirror; a malformed name is ENOENT; an image that is
# pinned meanwhile counts at once.  --image narrows it down, --any lifts it.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_prog cfs-fetch cfs-serve mkcomposefs cfs-store

make_origin
new_store "$WORK/store"
mkdir "$WORK/other"
head -c 5000 /dev/urandom >"$WORK/other/file"
make_store "$ORIGIN" "$WORK/other" other
unknown=$(object_path "$(composefs-info measure-file "$WORK/other/file")")
start_mirror
start_fetch "$WORK/store" "$WORK/objects" --mirror "$SERVE_URL"

assert_eq "$(stat -c '%s %A' "$WORK/objects/$unknown")" "0 -r--r--r--" "what stat says"
assert_errno EIO open "$WORK/objects/$unknown"
assert_errno EIO open "$WORK/objects/retry/$unknown"
assert_gets 0
assert_eq "$(grep -c 'refused object=' "$FETCH_LOG")" 2 "log lines"
for name in 0 zz 00/short 00/"$(printf '%062d' 0)x" 00/"$(printf '%062d' 0 | tr 0 G)" \
	retry/00/short .cfs/none; do
	assert_errno ENOENT open "$WORK/objects/$name"
done
known=$(path_of large)
assert_errno EROFS open-write "$WORK/objects/$known"
assert_errno EROFS unlink "$WORK/objects/$known"
assert_eq "$(stat -c '%s %b' "$WORK/objects/$known")" \
	"$(stat -c %s "$WORK/tree/large") $((($(stat -c %s "$WORK/tree/large") + 511) / 512))" \
	"size and blocks of an object that is not there"

# Objects are listed in <aa>, never in retry/.
assert_eq "$(find "$WORK/objects" -path "$WORK/objects/retry" -prune -o -type f -size +0 -print | wc -l)" \
	"$(counter total objects)" "objects in a listing"
assert_eq "$(find "$WORK/objects/retry" -type f | wc -l)" 0 "objects listed in retry/"

cfs-store import "$WORK/store" "$ORIGIN/images/other" other >/dev/null
cmp "$WORK/other/file" "$WORK/objects/$unknown"
assert_eq "$(stat -c %s "$WORK/objects/$unknown")" 5000 "what stat says now"
stop_bg "$FETCH_PID"

# Only one image: the other one's objects are refused.
rm "$WORK/store/objects/$unknown"
start_fetch "$WORK/store" "$WORK/objects" --mirror "$SERVE_URL" --image "$IMAGE_DIGEST"
cmp "$WORK/other/file" "$WORK/objects/$unknown"
assert_errno EIO open "$WORK/objects/$known"
stop_bg "$FETCH_PID"

mkdir -p "$WORK/empty/objects" "$WORK/empty/images"
start_fetch "$WORK/empty" "$WORK/objects" --mirror "$SERVE_URL" --any
cmp "$WORK/other/file" "$WORK/objects/$unknown"
cmp "$WORK/other/file" "$WORK/objects/$unknown"
assert_errno ESTALE open "$WORK/objects/retry/$known"
cmp "$WORK/tree/large" "$WORK/empty/objects/$known"
