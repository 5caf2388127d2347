#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 300
#
# The README's first command works, fetches a part of the tree, and leaves nothing.
. "${0%/*}/lib.sh"
need_root
need_fuse
need_cmd mmdebstrap

export TMPDIR=$WORK
CFS_NO_SETUP=1 "$CFS_TOP/tests/demo.sh" >"$WORK/out"
assert_in "compiled in the mount" "$WORK/out"
assert_in "Unmounted" "$WORK/out"
assert_eq "$(find "$WORK" -mindepth 1 | tr '\n' ' ')" "$WORK/out " "what is left"
! grep "$WORK" /proc/self/mountinfo || fail "a mount is left"
