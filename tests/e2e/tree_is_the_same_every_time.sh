#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The tree of the other cases is reproducible, and compare-trees sees each kind of
# difference.
. "${0%/*}/lib.sh"
need_root

make_tree "$WORK/a" --overlay
make_tree "$WORK/b" --overlay
check compare-trees --hash --nlink "$WORK/a" "$WORK/b"

# differs COMMAND...: after it, and only until it is undone, the trees differ.
differs() {
	cp -a "$WORK/a" "$WORK/c"
	(cd "$WORK/c" && "$@")
	if check compare-trees --hash --nlink "$WORK/a" "$WORK/c" >"$WORK/out"; then
		fail "compare-trees does not see: $*"
	fi
	rm -rf "$WORK/c"
}
differs rm empty
differs touch many/one-more
differs chmod 0601 secret
differs chown 5 acl
differs touch -d @1600000000.5 large
differs setfattr -n user.one -v 2 xattr
differs setfattr -x trusted.key xattr
differs setfacl -b acl
differs ln -sfn size-4097 symlink
differs cp -a --remove-destination hardlink-a hardlink-b
differs bash -c 't=$(stat -c %y large); printf X | dd of=large bs=1 seek=9 conv=notrunc status=none; touch -d "$t" large'
