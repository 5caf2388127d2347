#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Programs that read, without pause, what no mirror has or what does not fit into the
# store cost a few requests and log lines, in both trees and in reads of a large
# object; once the cause is gone the next reads succeed.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_fs erofs
need_fs overlay
need_prog cfs-fetch cfs-serve mkcomposefs cfs-store

mkdir "$WORK/tree"
head -c $((24 << 20)) /dev/urandom >"$WORK/tree/big"
for i in 1 2 3; do head -c 5000 /dev/urandom >"$WORK/tree/small$i"; done
head -c 9000000 /dev/urandom >"$WORK/tree/wide"
make_origin
cfs-store trees "$ORIGIN" >/dev/null
mkdir "$WORK/small-disk"
mount -t tmpfs -o size=40m none "$WORK/small-disk"
new_store "$WORK/small-disk/store"
ln -s "$WORK/small-disk/store" "$WORK/store"
start_mirror
start_fetch "$WORK/store" "$WORK/objects" --partial-reads --no-prefetch --mirror "$SERVE_URL"
mount_lazily "$WORK/store"

# hammer SECONDS PATH...: opens and reads each in turn without pause; says how often each
# errno came.
hammer() {
	python3 -c '
import collections, errno, os, sys, time
end = time.monotonic() + float(sys.argv[1])
seen = collections.Counter()
while time.monotonic() < end:
    for path in sys.argv[2:]:
        try:
            fd = os.open(path, os.O_RDONLY)
            try:
                os.pread(fd, 4096, 0)
                seen["ok"] += 1
            finally:
                os.close(fd)
        except OSError as error:
            seen[errno.errorcode[error.errno]] += 1
print(*sorted(seen))
if sum(seen.values()) < 50:
    sys.exit(f"only {seen}")' "$@"
}

# stays_cheap: since the marks.
mark() { gets=$(check gets "$SERVE_ACCESS"); lines=$(wc -l <"$FETCH_LOG"); }
stays_cheap() {
	local more_gets more_lines

	sleep 1.2	# the access log comes a little late
	more_gets=$(($(check gets "$SERVE_ACCESS") - gets))
	more_lines=$(($(wc -l <"$FETCH_LOG") - lines))
	echo "$1: $more_gets GETs, $more_lines lines"
	[ "$more_gets" -le "$2" ] || fail "$1: $more_gets GETs"
	[ "$more_lines" -le "$3" ] || fail "$1: $more_lines lines in the log"
}

mkdir "$WORK/away"
for file in big small1 small2; do
	mv "$ORIGIN/objects/$(path_of $file)" "$WORK/away/$file"
done
mark
assert_eq "$(hammer 2 "$WORK/objects/$(path_of small1)")" EIO "in aa/"
stays_cheap "in aa/" 10 15
mark
assert_eq "$(hammer 2 "$WORK/mnt/small2")" EIO "through overlayfs"
stays_cheap "through overlayfs" 10 15
mark
assert_eq "$(hammer 2 "$WORK/mnt/big")" EIO "reads of a large object"
stays_cheap "reads of a large object" 40 60
for file in big small1 small2; do
	mv "$WORK/away/$file" "$ORIGIN/objects/$(path_of $file)"
done
reads_well() { cmp -n 4096 "$WORK/tree/$1" "$WORK/mnt/$1"; }
for file in big small1 small2; do
	wait_for 8 reads_well $file
done

# What never failed is not held up by what did; what failed once neither.
mv "$ORIGIN/objects/$(path_of small3)" "$WORK/away/small3"
assert_errno EIO read "$WORK/mnt/small3"
mv "$WORK/away/small3" "$ORIGIN/objects/$(path_of small3)"
reads_well small3

mark
free=$(df -B1 --output=avail "$WORK/small-disk" | tail -n 1)
fallocate -l $((free - (4 << 20))) "$WORK/small-disk/ballast"
assert_eq "$(hammer 2 "$WORK/objects/$(path_of wide)")" ENOSPC "a full store"
stays_cheap "a full store" 30 60
rm "$WORK/small-disk/ballast"
cmp "$WORK/tree/wide" "$WORK/mnt/wide"
