#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# idmap= shows owners as the user namespace maps them.
. "${0%/*}/lib.sh"
need_root
need_fs erofs
need_fs overlay

mkdir "$WORK/tree"
echo hello >"$WORK/tree/root"
echo hello >"$WORK/tree/user"
chown 1000:1001 "$WORK/tree/user"
make_store "$WORK/store" "$WORK/tree" tree

unshare --user sleep 60 &
pid=$!
at_exit kill "$pid"
wait_for 5 eval '[ "$(readlink /proc/$pid/ns/user)" != "$(readlink /proc/self/ns/user)" ]'
echo '0 100000 65536' >"/proc/$pid/uid_map"
echo '0 100000 65536' >"/proc/$pid/gid_map"

mount_cfs "$WORK/store/images/tree" "$WORK/mnt" "basedir=$WORK/store/objects,idmap=/proc/$pid/ns/user"
assert_eq "$(stat -c %u:%g "$WORK/mnt/root")" 100000:100000
assert_eq "$(stat -c %u:%g "$WORK/mnt/user")" 101000:101001
assert_eq "$(cat "$WORK/mnt/user")" hello
