#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The image reader converts between byte orders where it must: sparse knows
# __le32 from a number.  kmod/ gets the same check from Kbuild, with C=1.
set -eu

command -v sparse >/dev/null || { echo "SKIP: sparse is not installed"; exit 77; }

status=0
for file in kmod/cfs_*.c; do
	# A system header that sparse can't read is not our business.
	found=$(sparse -I. -D_GNU_SOURCE "$file" 2>&1 | grep '^kmod/' || true)
	[ -z "$found" ] && continue
	printf 'FAIL: %s\n' "$found" >&2
	status=1
done
exit "$status"
