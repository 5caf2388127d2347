#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 300
#
# composefs.ko with W=1, and with sparse where the kernel's headers can run it (those of 7.x
# come without scripts/checker-valid.sh): not a word about our files.
. "$(dirname "$0")/../../e2e/lib.sh"
. "$CFS_TOP/tests/suite.sh"
need_cmd sparse gcc-12

# build TARGET...: in a folder of the case's own.
build() { CFS_BUILD=$WORK "$CFS_TOP/tests/vm/build-module.sh" "${CFS_KERNEL:?}" "$@"; }

options=(W=1)
makefile=$(echo "$CFS_CACHE/kernels/$CFS_KERNEL"/files/usr/src/*-common/Makefile)
if ! grep -q checker-valid.sh "$makefile" || [ -e "${makefile%/*}/scripts/checker-valid.sh" ]; then
	options+=(C=2 CHECK=sparse)
else
	[ "$CFS_KERNEL" != 6.12 ] || fail "the headers of 6.12 can't run sparse any more"
fi
build "${options[@]}" >"$WORK/out" 2>&1 || {
	cat "$WORK/out" >&2
	fail "it does not build"
}
[ -e "$WORK/kmod-$CFS_KERNEL/composefs.ko" ] || fail "no composefs.ko"
for source in "$CFS_TOP"/kmod/*.c; do
	grep -q "CC .*${source##*/}\|CC .*$(basename "$source" .c).o" "$WORK/out" ||
		fail "${source##*/} was not compiled"
	[ "${#options[@]}" -eq 1 ] || grep -q "CHECK .*${source##*/}" "$WORK/out" ||
		fail "sparse did not see ${source##*/}"
done
if grep -E "(^|/)[a-z_]+\.[ch]:[0-9]+.*(warning|error):" "$WORK/out"; then
	fail "warnings"
fi
build clean >/dev/null
[ ! -e "$WORK/kmod-$CFS_KERNEL/composefs.ko" ] || fail "clean leaves composefs.ko"
