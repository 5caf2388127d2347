#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What stands in an object's place and is not it is a miss: a file of the wrong size, a
# symlink, a folder, a FIFO, a device.  It is moved to quarantine and fetched again, once, with
# a log line.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_prog cfs-fetch cfs-serve mkcomposefs cfs-store

make_origin
new_store "$WORK/store"
start_mirror
start_fetch "$WORK/store" "$WORK/objects" --mirror "$SERVE_URL"
object=$(path_of large)
place=$WORK/store/objects/$object
mkdir -p "${place%/*}"
n=0
for damage in 'echo short >"$place"' 'ln -s /etc/passwd "$place"' 'mkdir "$place"' 'mkfifo "$place"' \
	': >"$place"' 'mknod "$place" c 1 3'; do
	rm -rf "$place"
	eval "$damage"
	cmp "$WORK/tree/large" "$WORK/objects/$object" || fail "not healed: $damage"
	n=$((n + 1))
	assert_gets "$n"
	assert_eq "$(grep -c "damaged object=${object/\//}" "$FETCH_LOG")" "$n" "log lines"
	cmp "$WORK/tree/large" "$place"
	assert_eq "$(find "$WORK/store/quarantine" -mindepth 1 -maxdepth 1 | wc -l)" "$n" \
		"things in quarantine"
done
assert_eq "$(counter requests damaged)" 6 "damaged objects counted"

# A link in place of a whole folder is not followed: an error of the store, and said to be one.
mv "${place%/*}" "$WORK/aside"
ln -s "$WORK/aside" "${place%/*}"
assert_errno EIO read "$WORK/objects/$object"
assert_in "unreadable object=${object/\//}" "$FETCH_LOG"
rm "${place%/*}"
cmp "$WORK/tree/large" "$WORK/objects/$object"
