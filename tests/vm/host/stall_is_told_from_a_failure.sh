#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: 6.12
#
# A case runs once more only if its guest's kernel stalled, said nothing else that is
# alarming, and nothing about composefs.ko.
. "$(dirname "$0")/../../e2e/lib.sh"
. "$CFS_TOP/tests/vm/dmesg.sh"

cat >"$WORK/stall" <<'EOF'
[    2.6] case kmod_options
[    2.7] composefs: loading out-of-tree module taints kernel.
[    2.7] composefs: module verification failed: signature and/or required key missing - tainting kernel
[   61.0] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:
[   61.0] rcu: 	1-...!: (0 ticks this GP) idle=9d3c/0/0x1 softirq=7316/7316 fqs=0
[   61.0] rcu: 	(detected by 0, t=5252 jiffies, g=9233, q=31 ncpus=2)
[   61.0] Sending NMI from CPU 0 to CPUs 1:
[   61.0] NMI backtrace for cpu 1
[   61.0] CPU: 1 UID: 0 PID: 77 Comm: cfs-fetch Tainted: G           OE      6.12.95+deb12-cloud-amd64 #1
[   61.0] Call Trace:
[   61.0]  do_syscall_64+0x82/0x190
[   61.0] rcu: rcu_preempt kthread starved for 5250 jiffies! g9233 f0x0 RCU_GP_WAIT_FQS(5) ->state=0x0 ->cpu=0
[   61.0] Modules linked in: composefs(OE) virtio_net overlay erofs
EOF
# with LINE...: a file that has them too.
with() { { cat "$WORK/stall"; printf '%s\n' "$@"; } >"$WORK/more"; echo "$WORK/more"; }
once_more() { only_stalled "$1" || fail "not told to be a stall: $(cat "$1")"; }
a_failure() { ! only_stalled "$1" || fail "told to be a stall: $(cat "$1")"; }

once_more "$WORK/stall"
once_more "$(with '[   61.0] watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [cat:91]')"
sed 's/detected stalls on CPUs.tasks:/self-detected stall on CPU/' "$WORK/stall" >"$WORK/self"
once_more "$WORK/self"

a_failure "$WORK/nothing"
: >"$WORK/nothing"
a_failure "$WORK/nothing"
grep -v 'rcu: ' "$WORK/stall" >"$WORK/trace"
a_failure "$WORK/trace"
a_failure "$(with '[   61.0]  cfs_dir_lookup+0x9c/0x2a0 [composefs]')"
a_failure "$(with '[   61.0] RIP: 0010:cfs_read+0x1c/0x60')"
a_failure "$(with '[   60.0] composefs: 0:45: malformed directory at inode 36')"
a_failure "$(with '[   60.0] WARNING: CPU: 0 PID: 9 at fs/dcache.c:372 dentry_free+0x5e/0x70')"
a_failure "$(with '[   60.0] BUG: kernel NULL pointer dereference, address: 0000000000000010')"
a_failure "$(with '[   60.0] INFO: task cat:91 blocked for more than 120 seconds.')"
a_failure "$(with '[   60.0] refcount_t: underflow; use-after-free.')"
