#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# One image for each kind of mistake that readers of file systems have made: each is
# refused where it is met, with EUCLEAN or EINVAL (EOPNOTSUPP for features that images do
# not use), or shows exactly what it says; the kernel says so, but not without end.
. "$(dirname "$0")/../module.sh"

mkdir objects
mount_hostile objects

lines=$(dmesg | grep -cE 'composefs: [0-9:]+: (malformed|unsupported)' || true)
echo "the kernel said so $lines times"
[ "$lines" -gt 0 ] || fail "the kernel said nothing"
# Ten lines in 5 seconds, and what was left out.
[ "$lines" -le $(((SECONDS / 5 + 2) * 10)) ] || fail "nothing limits what the kernel says"
drop_caches
rmmod composefs
