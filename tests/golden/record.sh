#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# record.sh >tests/golden/images: the images that the existing mkcomposefs (Debian unstable) writes
# for the dumps of golden.sh, one a line: SHA256 VERSION DUMP.  To be run again when dumps are
# added; a line that changes means that images have changed for users of both programs.
set -eEuo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/../.."
. tests/golden/golden.sh

upstream=$(tests/sid-tools.sh)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for dump in $(golden_names); do
	golden_dump "$dump" >"$work/dump"
	for version in 0 1; do
		"$upstream" mkcomposefs --min-version="$version" --max-version="$version" \
			--from-file "$work/dump" "$work/image"
		echo "$(sha256sum <"$work/image" | cut -d' ' -f1) $version $dump"
	done
done
