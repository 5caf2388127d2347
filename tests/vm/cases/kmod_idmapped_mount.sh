#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An idmapped mount shows owners and ACLs as the user namespace maps them and grants by
# what it shows; the objects are the mounter's business.  Who is root in a user namespace only
# can't mount at all.
. "$(dirname "$0")/../module.sh"

mkdir tree mnt
head -c 5000 /dev/urandom >tree/root
head -c 6000 /dev/urandom >tree/user
head -c 7000 /dev/urandom >tree/acl
chmod 600 tree/*
chown 1000:1001 tree/user
setfacl -m u:1000:r tree/acl
mkcomposefs --digest-store=objects tree img
chmod 700 objects
chmod 711 .

unshare --user sleep 120 &
pid=$!
at_exit kill "$pid"
# shellcheck disable=SC2016
wait_for 10 eval '[ "$(readlink /proc/$pid/ns/user)" != "$(readlink /proc/self/ns/user)" ]'
echo '0 100000 65536' >"/proc/$pid/uid_map"
echo '0 100000 65536' >"/proc/$pid/gid_map"
mount_cfs img "$WORK/mnt" "basedir=$WORK/objects,backend=kernel,idmap=/proc/$pid/ns/user"
assert_eq "$(findmnt -no FSTYPE mnt)" composefs
assert_eq "$(stat -c %u:%g mnt/root)" 100000:100000
assert_eq "$(stat -c %u:%g mnt/user)" 101000:101001
getfacl -n mnt/acl >acl
assert_in "user:101000:r--" acl

as() { setpriv --reuid "$1" --regid "$1" --clear-groups "${@:2}"; }
as 100000 cat mnt/root | cmp - tree/root
as 101000 cat mnt/user | cmp - tree/user
as 101000 cat mnt/acl | cmp - tree/acl
for name in root user acl; do
	assert_fails as 1000 cat mnt/$name >out 2>&1
	assert_in "Permission denied" out
done
umount mnt

out=$(unshare --user --map-root-user --mount "$(command -v fsmount)" mnt source=img basedir=objects) &&
	fail "root of a user namespace has mounted it"
assert_eq "$(tail -n 1 <<<"$out")" EPERM "errno"
mkdir e
mapfile -t many < <(printf 'basedir+=e\n%.0s' $(seq 501))
out=$(unshare --user --map-root-user --mount "$(command -v fsmount)" mnt source=img "${many[@]}") &&
	fail "501 basedirs"
[[ $out == *"too many basedirs, limit is 500"* ]] || fail "501 basedirs, before a mount: $out"
