#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The composefs project's own dumps give the images that its tools write, and the
# dumps that must be refused are.  They are no part of this source: where they lie
# beside it, they are used.
. "${0%/*}/lib.sh"
need_prog mkcomposefs
golden=$CFS_TOP/../shared/golden
[ -d "$golden" ] || skip "no golden dumps beside the source"

known=0
for sum in "$golden"/*.sha256; do
	dump=${sum%.sha256}
	versions=()
	if [ -e "$dump.version" ]; then
		v=$(<"$dump.version")
		versions=(--min-version="$v" --max-version="$v")
	fi
	case $dump in
	*.gz) gzip -dc "$dump" ;;
	*) cat "$dump" ;;
	esac | mkcomposefs "${versions[@]}" --from-file - "$WORK/image"
	assert_eq "$(sha256sum <"$WORK/image" | cut -d' ' -f1)" "$(<"$sum")" "${dump##*/}"
	known=$((known + 1))
done
[ "$known" -gt 0 ] || fail "there are no goldens in $golden"

for dump in "$golden"/should-fail-*.dump; do
	status=0
	mkcomposefs --from-file "$dump" "$WORK/refused" 2>"$WORK/err" || status=$?
	assert_eq "$status" 1 "status of ${dump##*/}"
	assert_in "line " "$WORK/err"
	[ ! -e "$WORK/refused" ] || fail "${dump##*/} left an image"
done
