#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A run of mkcomposefs that fails or is killed leaves the old image as it was, no new
# one, and no temporary file, neither beside the image nor in the store.
. "${0%/*}/lib.sh"
need_prog mkcomposefs composefs-info
need_root

make_tree "$WORK/tree"
mkdir "$WORK/out"
echo old >"$WORK/out/image"

# untouched WHAT: nothing but the old image is there; objects, if any, are whole.
untouched() {
	assert_eq "$(cat "$WORK/out/image")" old "the image after $1"
	assert_eq "$(ls -A "$WORK/out")" image "names after $1"
	[ -d "$WORK/store" ] || return 0
	assert_eq "$(find "$WORK/store" -type f ! -name '.lock*' ! -path '*/objects/[0-9a-f][0-9a-f]/*' | wc -l)" 0 \
		"stray files in the store after $1"
	(cd "$WORK/store/objects" && find . -type f | sort >"$WORK/names" &&
		tr -d ./ <"$WORK/names" >"$WORK/want" &&
		xargs -r composefs-info measure-file <"$WORK/names" >"$WORK/found")
	cmp "$WORK/want" "$WORK/found"
}

assert_fails mkcomposefs "$WORK/nowhere" "$WORK/out/image" 2>"$WORK/err"
assert_in "$WORK/nowhere" "$WORK/err"
untouched "a source that is not there"

echo "not a dump" >"$WORK/dump"
assert_fails mkcomposefs --from-file "$WORK/dump" "$WORK/out/image" 2>"$WORK/err"
untouched "a bad dump"

# A file that its reader may not read is named.  By relative paths: the folders above
# $WORK may be closed to him.
cp -a "$WORK/tree" "$WORK/unreadable"
chmod 755 "$WORK"
status=0
cd "$WORK"
setpriv --reuid=65534 --clear-groups --inh-caps=-all --bounding-set=-all \
	"$(command -v mkcomposefs)" --print-digest-only unreadable 2>err || status=$?
assert_eq "$status" 1 "status of an unreadable file"
grep -q "^mkcomposefs: unreadable/.*: Permission denied$" "$WORK/err" ||
	fail "the unreadable file is not named: $(cat "$WORK/err")"

# Killed while it reads a file that takes it some time: one without holes.
head -c 256M /dev/zero | tr '\0' x >"$WORK/tree/endless"
reads() {
	local fd

	for fd in "/proc/$1/fd/"*; do
		[ ! "$fd" -ef "$2" ] || return 0
	done
	return 1
}
for signal in HUP TERM KILL; do
	nice -n 5 mkcomposefs --store="$WORK/store" --name=never "$WORK/tree" "$WORK/out/image" 2>/dev/null &
	pid=$!
	# Without a pause: it must not be through before it is seen.
	until reads "$pid" "$WORK/tree/endless"; do
		[ -d "/proc/$pid/fd" ] || fail "it ended, and was not seen reading"
	done
	kill "-$signal" "$pid"
	wait "$pid" 2>/dev/null && fail "SIG$signal did not end it"
	untouched "SIG$signal"
	[ ! -e "$WORK/store/images/never" ] || fail "SIG$signal left a name"
done
rm -rf "$WORK/store" "$WORK/tree/endless"

# A disk that fills up.
mkdir "$WORK/small"
mount -t tmpfs -o size=1m tmpfs "$WORK/small"
assert_fails mkcomposefs --store="$WORK/small/store" --name=never "$WORK/tree" "$WORK/out/image" 2>"$WORK/err"
assert_in "No space left on device" "$WORK/err"
untouched "a full disk"
assert_eq "$(find "$WORK/small" -name '.tmp*' | wc -l)" 0 "temporary files on a full disk"
[ ! -e "$WORK/small/store/images/never" ] || fail "a full disk left a name"

mkcomposefs "$WORK/tree" "$WORK/out/image"
[ "$(head -c 3 "$WORK/out/image")" != old ] || fail "success changed nothing"
assert_eq "$(ls -A "$WORK/out")" image "names after success"
