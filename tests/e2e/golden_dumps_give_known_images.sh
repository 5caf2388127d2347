#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Our dumps give, byte for byte, the images that the existing mkcomposefs wrote for them
# (tests/golden/record.sh); what is no dump is refused with the line, and leaves no image.
. "${0%/*}/lib.sh"
need_prog mkcomposefs
cd "$CFS_TOP"
. tests/golden/golden.sh

while read -r sum version name; do
	golden_dump "$name" >"$WORK/dump"
	mkcomposefs --min-version="$version" --max-version="$version" --from-file - "$WORK/image" \
		<"$WORK/dump"
	assert_eq "$(sha256sum <"$WORK/image" | cut -d' ' -f1)" "$sum" "$name, version $version"
done <tests/golden/images
assert_eq "$(cut -d' ' -f3 tests/golden/images | sort -u | xargs)" \
	"$(golden_names | sort -u | xargs)" "dumps with a recorded image"

# refused NAME LINE...: the lines after a root make a dump that is refused.
refused() {
	local name=$1 status=0

	shift
	printf '%s\n' '/ 4096 40755 2 0 0 0 0.0 - - -' "$@" >"$WORK/dump"
	mkcomposefs --from-file "$WORK/dump" "$WORK/refused" 2>"$WORK/err" || status=$?
	assert_eq "$status" 1 "status of: $name"
	assert_in "line " "$WORK/err"
	[ ! -e "$WORK/refused" ] || fail "$name: left an image"
}

long=$(printf 'x%.0s' {1..256})
target=$(printf 'x%.0s' {1..4096})
refused "directory that is a hard link" '/a 4096 @40755 2 0 0 0 0.0 / - -'
refused "name ." '/. 4096 40755 2 0 0 0 0.0 - - -'
refused "name .." '/.. 4096 40755 2 0 0 0 0.0 - - -'
refused "empty name" '// 4096 40755 2 0 0 0 0.0 - - -'
refused "name of 256 bytes" "/$long 0 100644 1 0 0 0 0.0 - - -"
refused "symbolic link of 4096 bytes" "/a 4096 120777 1 0 0 0 0.0 $target - -"
refused "hard link to nothing" '/a 0 @100644 1 0 0 0 0.0 /none - -'
refused "file in a file" '/a 0 100644 1 0 0 0 0.0 - - -' '/a/b 0 100644 1 0 0 0 0.0 - - -'
refused "same name twice" '/a 0 100644 1 0 0 0 0.0 - - -' '/a 0 100644 1 0 0 0 0.0 - - -'
