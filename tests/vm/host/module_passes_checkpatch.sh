#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: 6.12
#
# kmod/ as checkpatch.pl --strict likes it.  The script is in no package but the kernel's
# source, 140 MB, which only the debug kernel is built from: without one this is skipped.
. "$(dirname "$0")/../../e2e/lib.sh"
. "$CFS_TOP/tests/suite.sh"

checkpatch=$CFS_CACHE/kernels/debug/source/scripts/checkpatch.pl
[ -e "$checkpatch" ] || skip "no kernel source in the cache: tests/run debug brings it"

ignored=(
	# tracepoints look like this everywhere
	OPEN_ENDED_LINE PARENTHESIS_ALIGNMENT
	# cfs_*: compiled outside the kernel too, without its macros and types
	ARRAY_SIZE BIT_MACRO PREFER_DEFINED_ATTRIBUTE_MACRO PREFER_KERNEL_TYPES
	# cfs_dir.c: bytes that may change are loaded once; there is no READ_ONCE() outside
	VOLATILE
	# a message is one line, to be found by it
	LONG_LINE_STRING
	# cfs_count() names a member, cfs_warn() is used with variables only
	MACRO_ARG_PRECEDENCE MACRO_ARG_REUSE
	# explained in the structure's kernel-doc
	UNCOMMENTED_DEFINITION
)
run() {
	perl "$checkpatch" --no-tree --strict --terse --show-types \
		--ignore "$(IFS=,; echo "${ignored[*]}")" -f "$@" >"$WORK/out" 2>&1
}
cd "$CFS_TOP/kmod"
run ./*.c ./*.h || fail "$(grep -v '^total:' "$WORK/out")"
sed 's/^\treturn \(.*\);$/\treturn (\1) ;/' super.c >"$WORK/super.c"
run "$WORK/super.c" && fail "it likes anything"
assert_in SPACING "$WORK/out"
