#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Each allocation of each call fails once: ENOMEM, nothing of it is remembered, and the
# guest finds no leak and no use after free.
. "$(dirname "$0")/../module.sh"

failslab=/sys/kernel/debug/failslab
[ -e $failslab ] || fail "the debug kernel has no failslab"
echo N >$failslab/ignore-gfp-wait
echo 0 >$failslab/verbose

mkdir -p src/dir/below src/many
head -c 100000 /dev/urandom >src/dir/object
echo inline >src/dir/inline
setfattr -n user.test -v value src/dir/inline
setfacl -m u:7:r src/dir/inline
ln -s "$(printf 'x%.0s' $(seq 300))" src/dir/link
: >src/dir/below/name
(cd src/many && seq 2000 | xargs touch)
mkcomposefs --digest-store=objects src img
dmesg -n 1
fail_allocations img objects
drop_caches
rmmod composefs
