#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Profiles that are garbage, endless, list one object many times or what the image does
# not name: readers are served, nothing else is asked of the mirror, and the status
# counts what was wrong.  A FIFO in the profile's place holds nobody up.
# also: address
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_fs erofs
need_fs overlay
need_prog cfs-fetch cfs-serve mkcomposefs cfs-store

make_origin
mkdir "$ORIGIN/profiles"
profile=$ORIGIN/profiles/$IMAGE_DIGEST
strange=$(printf '%064d' 7)
one=$(composefs-info measure-file "$WORK/tree/size-4096")
start_mirror

# with_profile WHAT: a new store and the mirror's profile; reads one file through it.
with_profile() {
	new_store "$WORK/$1"
	: >"$SERVE_ACCESS"
	start_fetch "$WORK/$1" "$WORK/objects" --mirror "$SERVE_URL"
	mount_lazily "$WORK/$1"
	cmp "$WORK/tree/large" "$WORK/mnt/large"
	wait_for 20 counter_is "done" ahead prefetch state
}

end_profile() {
	check only-objects-of "$ORIGIN" "$SERVE_ACCESS"
	umount "$WORK/mnt" "$WORK/mnt.erofs"
	stop_bg "$FETCH_PID"
}

head -c 300000 /dev/urandom >"$profile"
with_profile garbage
assert_eq "$(counter ahead prefetch fetched)" 0 "objects of a profile of noise"
end_profile

{
	for _ in {1..2000}; do echo "$strange"; done
	for _ in {1..2000}; do echo "$one"; done
	printf '%s' "$strange$strange"
	printf '\n#%s\n%s\r\nobjects/../../etc/passwd' "$one" "$one"
} >"$profile"
with_profile lies
assert_eq "$(counter ahead prefetch fetched)" 1 "objects that the image names"
assert_eq "$(counter ahead prefetch strange)" 2000 "digests it does not name"
assert_eq "$(counter ahead prefetch repeated)" 2000 "digests listed again"
assert_eq "$(counter ahead prefetch profiles 1 bad_lines)" 2 "lines that are no digests"
assert_eq "$(count_objects "$WORK/lies")" 3 "objects in the store"
end_profile

# Longer than any profile.
{
	echo "$one"
	yes "$strange" 2>/dev/null | head -c 20000000 || true
} >"$profile"
with_profile endless
assert_eq "$(count_objects "$WORK/endless")" 2 "objects in the store"
end_profile

rm "$profile"
mkfifo "$profile"
with_profile mirror-fifo
end_profile
new_store "$WORK/fifo"
mkdir "$WORK/fifo/profiles"
mkfifo "$WORK/fifo/profiles/$IMAGE_DIGEST.recorded" "$WORK/fifo/profiles/$IMAGE_DIGEST"
with_profile fifo
end_profile

# A profile that was asked for by path must be there; by name need not.
assert_fails cfs-fetch --foreground --store "$WORK/fifo" --mirror "$SERVE_URL" \
	--profile "$WORK/none" "$WORK/objects" 2>"$WORK/err"
assert_in "$WORK/none: No such file" "$WORK/err"
assert_fails cfs-fetch --foreground --store "$WORK/fifo" --mirror "$SERVE_URL" \
	--profile "no name" "$WORK/objects" 2>"$WORK/err"
assert_in "not a profile's name" "$WORK/err"
