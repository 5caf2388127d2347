#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# limit: 200
# A mount without verity on nothing but a fetcher with --partial-reads: blocks of a big
# file are read through it before the whole is there, and all of it right.
. "$(dirname "$0")/../module.sh"
# shellcheck source=tests/e2e/lazy.sh
. "$E2E/lazy.sh"
# shellcheck source=tests/e2e/partial_lib.sh
. "$E2E/partial_lib.sh"

make_big_origin
new_store "$WORK/store"
start_mirror
start_fetch "$WORK/store" "$WORK/objects" --mirror "$SERVE_URL" --partial-reads
mkdir mnt
mount -t composefs -o "basedir=$WORK/objects,verity_check=0" "$WORK/store/images/tree" mnt
same_part big 12345678 4
same_part big $((BIG_MIB << 20)) 4
[ ! -e "$WORK/store/objects/$BIG_PATH" ] || fail "the whole is here"
cmp "$WORK/tree/big" mnt/big
wait_for 20 test -e "$WORK/store/objects/$BIG_PATH"
assert_eq "$(fsverity measure "$WORK/store/objects/$BIG_PATH" | cut -d ' ' -f 1)" \
	"sha256:$(composefs-info measure-file "$WORK/tree/big")"
