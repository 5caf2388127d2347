# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034
#
# Sourced: what a guest's kernel must not say, and whether it is the emulation that made it.

# No case may make the kernel say this; a case names its exceptions in a comment
# "# dmesg: REGEX".
alarming='BUG:|WARNING:|Oops|general protection|INFO: task|possible (circular|recursive)|inconsistent lock|suspicious RCU|KASAN|UBSAN|refcount_t:|Call Trace:|kmemleak: [0-9]+ new'

# A host that has no time leaves an emulated processor standing, in the middle of anything,
# until the stock kernel complains.
stalled='rcu: INFO: .*(detected|self-detected) .*stall|rcu: .*kthread (starved|timer wakeup did)'

# only_stalled FILE: has the kernel complained of a stall in RCU and of nothing else, and is
# there no line of composefs.ko, neither a message nor a place in its code?  That it is
# loaded says nothing.
only_stalled() {
	local more

	[ -e "$1" ] && grep -qE "$stalled" "$1" || return 1
	more=$(grep -E "$alarming" "$1" |
		grep -vE "$stalled|watchdog: BUG: soft lockup|Call Trace:" || true)
	[ -z "$more" ] || return 1
	more=$(grep -E 'composefs|\<cfs_[a-z]' "$1" |
		grep -vE 'Modules linked in:|loading out-of-tree module|module verification failed|\] case ' || true)
	[ -z "$more" ]
}
