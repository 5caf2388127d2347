# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Sourced first by the guest's cases that need composefs.ko: the library of
# the end-to-end cases, the module loaded, and a few words about files of a mount.

. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"

[ -n "${CFS_GUEST:-}" ] || skip "runs in a guest only: tests/vm/boot.sh KERNEL $0"

if ! grep -qw composefs /proc/filesystems; then
	insmod "$CFS_BUILD/kmod-$CFS_KERNEL/composefs.ko" ||
		fail "composefs.ko is not built for $CFS_KERNEL, or does not load"
fi
cd "$WORK"

# drop_caches: the next read comes from the disk.
drop_caches() { sync; echo 3 >/proc/sys/vm/drop_caches; }

# mount_counter MOUNTPOINT NAME: from mountstats.
mount_counter() {
	awk -v dir="$1" -v name="$2" '
		/^device/ { here = $5 == dir }
		here { for (i = 1; i < NF; i++) if ($i == name) print $(i + 1) }
	' /proc/self/mountstats
}

# kernel_says TEXT: since the case began.
kernel_says() { grep -qF -e "$1" <(dmesg) || fail "the kernel did not say: $1"; }

# assert_eio COMMAND...: it must fail, and print what EIO is printed as.
assert_eio() {
	local out

	if out=$("$@" 2>&1 >/dev/null); then
		fail "this should have failed: $*"
	fi
	case $out in
	*"Input/output error"*) ;;
	*) fail "not EIO: $out" ;;
	esac
}

# inventory DIR: whatever stat(2), readlink(2) and xattrs say of each entry of a tree, in
# an order of its own.  Not the blocks: overlayfs asks the objects for these; not what a
# directory's number is: overlayfs has its own.  What can't be had is there as its error.
inventory() {
	# A root that belongs to nobody (4294967295) keeps even root out.
	(cd "$1" 2>/dev/null) || { stat -c '%s %a %u %g' "$1"; return 0; }
	(
		cd "$1"
		find . -type d -printf '%P %y %m %U %G %s %T@ %n\0' 2>&1 || true
		find . ! -type d -printf '%P %y %m %U %G %s %T@ %n %i %l\0' 2>&1 || true
	) | sort -z
	(cd "$1"; getfattr -R -P -h -d -m - -e hex . 2>"$WORK/getfattr.err" || true) |
		awk '/^# file: / { file = $0; next } NF { print file, $0 }' | sort
	sort "$WORK/getfattr.err"
}

# assert_same_tree A B
assert_same_tree() {
	inventory "$1" >"$WORK/inventory.a"
	inventory "$2" >"$WORK/inventory.b"
	cmp "$WORK/inventory.a" "$WORK/inventory.b" ||
		fail "$1 and $2 differ: $(diff -a <(tr '\0' '\n' <"$WORK/inventory.a") \
			<(tr '\0' '\n' <"$WORK/inventory.b") | head -n 20)"
}
