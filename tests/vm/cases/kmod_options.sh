#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Mount options: what is accepted, what is refused and in which words, what
# /proc/mounts shows, and what remount may change.
. "$(dirname "$0")/../module.sh"


# refused ERRNO TEXT OPTION...: the mount fails with this errno and says TEXT.
refused() {
	local want=$1 text=$2 out

	shift 2
	out=$(fsmount mnt "$@") && fail "accepted: $*"
	assert_eq "$(tail -n 1 <<<"$out")" "$want" "errno of $*"
	grep -qF -e "$text" <<<"$out" || fail "$*: '$text' is not in: $out"
}

# shown OPTION...: the options of /proc/mounts behind "ro,relatime".
shown() {
	fsmount mnt "$@" >log || fail "refused: $*: $(cat log)"
	awk -v d="$WORK/mnt" '$2 == d { sub("^ro,relatime,?", "", $4); print $4 }' /proc/mounts
	umount mnt
}

mkdir src mnt mnt2 empty 'a:b'
head -c 5000 /dev/urandom >src/file
mkcomposefs --digest-store=objects src img
cp -a objects/. 'a:b/'
cp img sealed
fsverity enable sealed
digest=$(fsverity measure sealed)
digest=${digest#sha256:}
digest=${digest%% *}
wrong=$(tr 0-9 1-90 <<<"$digest")

assert_eq "$(shown source=img)" "verity_check=0"
assert_eq "$(shown source=img basedir=objects)" "basedir=objects,verity_check=0"
assert_eq "$(shown source=img basedir=nowhere basedir=objects)" "basedir=objects,verity_check=0" "repeated"
assert_eq "$(shown source=img basedir=empty:objects verity_check=1)" "basedir=empty:objects,verity_check=1"
assert_eq "$(shown source=sealed "digest=$digest")" "digest=$digest,verity_check=2"
assert_eq "$(shown source=sealed "digest=${digest^^}")" "digest=$digest,verity_check=2" "upper case"
for order in "digest=$digest verity_check=0" "verity_check=0 digest=$digest"; do
	# shellcheck disable=SC2086
	assert_eq "$(shown source=sealed $order)" "digest=$digest,verity_check=0" "order"
done

# An escaped colon is part of a name.
fsmount mnt source=img 'basedir=empty:a\:b'
cmp src/file mnt/file
umount mnt
refused EINVAL "failed to resolve 'a'" source=img 'basedir=a:b'


# basedir+= takes one name as it is; together they are what basedir= would have been.
assert_eq "$(shown source=img basedir+=empty 'basedir+=a:b')" 'basedir=empty:a\134:b,verity_check=0'
assert_eq "$(shown source=img basedir=empty basedir+=objects)" "basedir=empty:objects,verity_check=0"
assert_eq "$(shown source=img basedir+=empty basedir=objects)" "basedir=objects,verity_check=0"
mkdir 'back\slash'
fsmount mnt source=img 'basedir+=back\slash' 'basedir+=a:b'
cmp src/file mnt/file
umount mnt
refused EINVAL "empty basedir" source=img basedir+=
refused EINVAL "failed to resolve 'nowhere': -2" source=img basedir+=nowhere

# /proc/mounts has the image's own path, however it was given.
fsmount mnt source=./img
assert_eq "$(awk -v d="$WORK/mnt" '$2 == d { print $1 }' /proc/mounts)" "$WORK/img"
umount mnt

refused EINVAL "No composefs source specified" basedir=objects
refused ENOENT "cannot open image 'nothing'" source=nothing
refused EINVAL "not a regular file" source=objects
refused EINVAL "empty basedir" source=img basedir=
refused EINVAL "empty basedir" source=img basedir=objects:
refused EINVAL "empty basedir" source=img basedir=:objects
refused EINVAL "failed to resolve 'nowhere': -2" source=img basedir=objects:nowhere
refused EINVAL "failed to resolve 'img': -20" source=img basedir=img
refused EINVAL "Invalid verity_check mode" source=img verity_check=3
refused EINVAL "verity_check" source=img verity_check=x
refused EINVAL "digest must be 64 hex digits" source=sealed digest=
refused EINVAL "digest" source=sealed digest
refused EINVAL "digest must be 64 hex digits" source=sealed "digest=${digest%?}"
refused EINVAL "digest must be 64 hex digits" source=sealed "digest=${digest%?}g"
refused EINVAL "two different digests" source=sealed "digest=$digest" "digest=$wrong"
refused EINVAL "wrong fs-verity digest: expected $wrong, found $digest" source=sealed "digest=$wrong"
refused ENODATA "image has no fs-verity digest" source=img "digest=$digest"
refused EINVAL "Unknown parameter 'upperdir'" source=img upperdir=empty
head -c 20000 /dev/zero >zeros
refused EINVAL "is not a composefs image" source=zeros
head -c 12288 img >short
refused EUCLEAN "malformed" source=short

# 500 directories are fine, 501 are not; only mount(2) takes texts this long.
many=$(printf 'e:%.0s' $(seq 499))
mkdir e
mount -t composefs -o "basedir=${many}objects" img mnt
cmp src/file mnt/file
umount mnt
mount -t composefs -o "basedir=e:${many}objects" img mnt 2>/dev/null && fail "501 basedirs"
kernel_says "too many basedirs"

# Nothing can be written.
fsmount mnt source=img basedir=objects
for op in "touch mnt/new" "rm mnt/file" "mkdir mnt/d" "chmod 600 mnt/file" "mv mnt/file mnt/x" \
	"ln mnt/file mnt/x" "truncate -s 0 mnt/file" "setfattr -n user.x -v y mnt/file"; do
	# shellcheck disable=SC2086
	assert_fails $op 2>err
	grep -q "Read-only file system" err || fail "$op: $(cat err)"
done
mount -o remount,rw mnt || true
assert_fails touch mnt/new 2>/dev/null

# What a basedir is on ends with the mount that held it, and with a remount.
head -c 10M /dev/zero >disk
mke2fs -q -t ext4 disk
mkdir other
for how in umount remount remount-with-a-file-open; do
	mount -o loop disk other
	cp -r objects/. other
	device=$(basename "$(findmnt -no SOURCE other)")
	fsmount mnt2 source=img basedir=other basedir+=objects
	umount other
	cmp src/file mnt2/file
	exec 3<mnt2/file
	[ $how = remount-with-a-file-open ] || exec 3<&-
	[ -e "/sys/fs/ext4/$device" ] || fail "the basedir's file system has gone"
	if [ $how = umount ]; then umount mnt2; else fsmount --remount mnt2 basedir=objects; fi
	exec 3<&-
	wait_for 10 [ ! -e "/sys/fs/ext4/$device" ]
	[ $how != remount ] || umount mnt2
done
cmp src/file mnt2/file
umount mnt2

# remount replaces basedir while files are open, and nothing else.
exec 3<mnt/file
rm -r objects/*
assert_eio cat mnt/file
mount -o remount,basedir='a\:b' mnt
grep -q 'basedir=a\\134:b,' /proc/mounts || fail "/proc/mounts: $(grep mnt /proc/mounts)"
cmp src/file mnt/file
cmp src/file - <&3
exec 3<&-
out=$(fsmount --remount mnt verity_check=2) && fail "verity_check was changed"
grep -q "verity_check cannot be changed" <<<"$out" || fail "$out"
out=$(fsmount --remount mnt "digest=$digest") && fail "digest was changed"
grep -q "digest cannot be changed" <<<"$out" || fail "$out"
fsmount --remount mnt basedir=nowhere && fail "a basedir that is not there"
cmp src/file mnt/file
umount mnt

# What the flags of a mount say counts for the image's files: devices, setuid, capabilities.
head -c 5000 /dev/urandom >secret
chmod 600 secret
mkdir -p flags
cp /usr/bin/id flags/id
chmod 4755 flags/id
cp /usr/bin/cat flags/cat
# cap_dac_override, permitted and effective
setfattr -n security.capability -v 0x0100000202000000000000000000000000000000 flags/cat
mknod -m 666 flags/null c 1 3
mkcomposefs --digest-store=objects flags flags.img
chmod 755 .
as_user() { setpriv --reuid 1000 --regid 1000 --clear-groups "$@"; }
fsmount mnt source=flags.img basedir=objects
assert_eq "$(as_user mnt/id -u)" 0 "setuid"
as_user mnt/cat secret | cmp - secret
as_user cat mnt/null
mount -o remount,bind,nosuid,nodev mnt
assert_eq "$(as_user mnt/id -u)" 1000 "setuid with nosuid"
assert_fails as_user mnt/cat secret 2>err
assert_in "Permission denied" err
assert_errno EACCES open mnt/null
mount -o remount,bind,noexec mnt
mnt/id 2>err && fail "a program was run with noexec"
assert_in "Permission denied" err
umount mnt

# Of two stacked file systems below, the lower one is still fine.
stack() { mount -t overlay -o "lowerdir=$1:empty" overlay "$2"; }
mkdir o1 o2
stack 'a\:b' o1
fsmount mnt source=img basedir=o1
cmp src/file mnt/file
umount mnt
stack o1 o2
refused EINVAL "maximum fs stacking depth exceeded" source=img basedir=o2
umount o2
fsmount mnt source=img 'basedir=a\:b'
fsmount --remount mnt basedir=o1 && fail "remount onto more stacked file systems"
umount mnt o1
