#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Images with SHA-512 digests, which other programs make: composefs-info shows them, the
# digests too, and tells missing objects right.  Programs that would need the objects
# say why they refuse, and a dump of such an image does not become one without digests.
. "${0%/*}/lib.sh"
need_prog composefs-info mkcomposefs cfs-store cfs-seed
need_cmd jq

seq 3000 >"$WORK/file"
digest=$(sha512sum "$WORK/file" | cut -d' ' -f1)	# which it has makes no difference here
path=${digest:0:2}/${digest:2}
size=$(stat -c %s "$WORK/file")
# The xattr that names a SHA-512 digest is 68 bytes; the writer makes none, so one of
# that size gets the name afterwards.
value=$(printf '%s' "00440002$digest" | sed 's/../\\x&/g')
printf '%s\n' '/ 4096 40755 2 0 0 0 1.0 - - -' \
	"/file $size 100644 1 0 0 0 1.0 $path - - trusted.OVERLAY.metacopy=$value" >"$WORK/dump"
mkcomposefs --from-file "$WORK/dump" "$WORK/image"
python3 - "$WORK/image" <<'END'
import sys

data = open(sys.argv[1], "rb").read()
assert data.count(b"OVERLAY.metacopy") == 1
data = data.replace(b"overlay.metacopy", b"overlay.metaXopy")
open(sys.argv[1], "wb").write(data.replace(b"OVERLAY.metacopy", b"overlay.metacopy"))
END

composefs-info dump "$WORK/image" >"$WORK/out"
assert_eq "$(awk '$1 == "/file" { print $9, $11 }' "$WORK/out")" "$path $digest" "what dump shows"
assert_eq "$(composefs-info --json dump "$WORK/image" | jq -r '.[0].entries[] | select(.path == "/file").digest')" \
	"$digest" "what dump --json shows"
assert_fails mkcomposefs --from-file "$WORK/out" "$WORK/again" 2>"$WORK/err"
assert_in DIGEST "$WORK/err"
[ ! -e "$WORK/again" ] || fail "the dump became another image"
composefs-info ls "$WORK/image" >"$WORK/out"
assert_in "$path" "$WORK/out"
assert_eq "$(composefs-info objects "$WORK/image")" "$path" "objects"
mkdir -p "$WORK/objects/${digest:0:2}"
assert_eq "$(composefs-info --basedir="$WORK/objects" missing-objects "$WORK/image" || true)" "$path" "what is missing"
cp "$WORK/file" "$WORK/objects/$path"
composefs-info --basedir="$WORK/objects" missing-objects "$WORK/image"

mkdir -p "$WORK/store/objects"
for command in "cfs-store import $WORK/store $WORK/image" "cfs-seed --store=$WORK/store --name=x $WORK/image"; do
	read -r -a words <<<"$command"
	assert_fails "${words[@]}" >"$WORK/out" 2>&1
	assert_in "SHA-512" "$WORK/out"
	assert_eq "$(count_objects "$WORK/store")" 0 "objects left behind by ${words[0]}"
done

# With --digests, what a log names can be found in the list, SHA-256 as well.
composefs-info --digests ls "$WORK/image" >"$WORK/out"
assert_in "@ $digest" "$WORK/out"
mkdir "$WORK/tree"
cp "$WORK/file" "$WORK/tree/file"
mkcomposefs "$WORK/tree" "$WORK/image"
digest=$(composefs-info measure-file "$WORK/file")
assert_eq "$(composefs-info --digests ls "$WORK/image")" "/file	@ $digest" "ls with digests"
assert_eq "$(composefs-info ls "$WORK/image")" "/file	@ $(object_path "$digest")" "ls as the existing tool has it"
assert_eq "$(composefs-info --json ls "$WORK/image" | jq -r '.[0].entries[0].digest')" "$digest" "ls --json"
