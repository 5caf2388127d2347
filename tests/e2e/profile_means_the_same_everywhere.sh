#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# One profile with comments, blanks, long lines, CRLF and lines that are no digests: the
# pack, cfs-seed and the fetcher take the same objects from it, and each says how many
# lines it could not use.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_prog cfs-fetch cfs-seed cfs-serve mkcomposefs cfs-store composefs-info

mkdir "$WORK/tree"
for i in $(seq 20); do
	head -c $((3000 + i)) /dev/urandom >"$WORK/tree/$i"
done
make_origin
digest() { composefs-info measure-file "$WORK/tree/$1"; }
long() { printf '%.0sx' $(seq 400); }

{
	printf '# %s\n' "$(long)"
	printf '%s\r\n' "$(digest 1)"
	printf '\n  \t\r\n'
	printf ' %s \t\n' "$(digest 2)"
	printf '#%s\n' "$(digest 3)"
	printf 'not a digest\n'
	printf '%s %s\n' "$(digest 4)" "$(long)"
	digest 5 | tr a-f A-F
	digest 1
	printf '  # %s\n' "$(digest 6)"
	printf '%s' "$(digest 7)"
} >"$WORK/profile"
bad=3
used=3

mkdir "$ORIGIN/profiles"
cp "$WORK/profile" "$ORIGIN/profiles/$IMAGE_DIGEST"
cfs-store pack "$ORIGIN" tree >"$WORK/pack"
assert_in "$used objects" "$WORK/pack"
assert_in "are no digests: $bad" "$WORK/pack"
assert_eq "$(cfs-store pack --json "$ORIGIN" tree | jq -c '[.objects, .bad_lines]')" "[$used,$bad]" pack

new_store "$WORK/seeded"
cfs-seed --store="$WORK/seeded" --from="$WORK/tree" --json "$WORK/profile" >"$WORK/seed" 2>"$WORK/seed.err"
assert_in "$bad lines are neither" "$WORK/seed.err"
# Those of the profile, and the image.
assert_eq "$(count_objects "$WORK/seeded")" $((used + 1)) "objects that cfs-seed took"

start_mirror
new_store "$WORK/store"
start_fetch "$WORK/store" "$WORK/objects" --mirror "$SERVE_URL" --profile="$WORK/profile"
wait_for 10 counter_is "$used" fetches objects
assert_in "digests=$((used + 1)) bad_lines=$bad" "$FETCH_LOG"
diff <(cd "$WORK/store/objects" && find . -type f | sort) <(cd "$WORK/seeded/objects" && find . -type f | sort)

# What has no digest in it at all was meant to be something else.
echo "no digest" >"$WORK/none"
assert_fails cfs-seed --store="$WORK/seeded" --dry-run "$WORK/none" 2>"$WORK/none.err"
assert_in "neither an image nor a profile" "$WORK/none.err"
