#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The debug guest notices what it is there for: a module makes each mistake once.
# lockdep stops after its first finding, and after KASAN's: it comes first here, this is the
# last case of a guest, and until now it must have been at work.
# dmesg: .
. "$(dirname "$0")/../../e2e/lib.sh"
cd "$WORK"

mistake() {
	insmod "$CFS_BUILD/mistakes-$CFS_KERNEL/mistakes.ko" kind="$1"
	rmmod mistakes
}
noticed() { grep -qE "$1" <(dmesg) || fail "nobody said: $1"; }

grep -q '^ debug_locks: *1$' /proc/lockdep_stats || fail "lockdep has stopped before"
mistake locks
noticed 'possible circular locking dependency'
mistake use-after-free
noticed 'BUG: KASAN: slab-use-after-free in .*mistakes'
mistake out-of-bounds
noticed 'BUG: KASAN: slab-out-of-bounds in .*mistakes'
mistake shift
noticed 'UBSAN: shift-out-of-bounds'
mistake sleep
noticed 'BUG: (sleeping function called from invalid context|scheduling while atomic)'

# A word on some stack may look like its address, for a while.
mistake leak
leaks=/sys/kernel/debug/kmemleak
leak_is_found() {
	echo scan >$leaks
	cat $leaks >found
	grep -q '6c 65 61 6b 65 64' found
}
sleep 5.2
wait_for 30 leak_is_found
echo clear >$leaks
