#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What README and fstab(5) say, through mount(8) and the installed helper: mount(8) puts rw
# in front of the options and clears PATH.  `mount -a` knows what is mounted already, and
# a remount, also that of systemd-remount-fs, changes flags.
. "${0%/*}/lib.sh"
need_root
need_fuse
need_fs erofs
# shellcheck source=tests/e2e/installed_lib.sh
. "$E2E/installed_lib.sh"

install_programs
case $(command -v mount.composefs) in
/usr/sbin/* | /sbin/*) ;;
*) fail "mount.composefs is $(command -v mount.composefs)" ;;
esac
make_tree "$WORK/tree"
make_store "$WORK/origin" "$WORK/tree" tree
start_serve "$WORK/origin"
url=$SERVE_URL/images/tree
image=$(realpath "$WORK/origin/images/tree")
mnt=$WORK/mnt
store=$WORK/store
mkdir "$mnt" "$WORK/up" "$WORK/work"
n_mounts() { awk -v d="$mnt" '$5 == d' /proc/self/mountinfo | wc -l; }
n_fetchers() { pgrep -xc cfs-fetch || true; }
have_fetchers() { [ "$(n_fetchers)" = "$1" ]; }
flags() { findmnt -no VFS-OPTIONS "$mnt"; }
is_tree() { cmp "$WORK/tree/large" "$mnt/large"; }

# good COMMAND...: mounts the tree.
good() {
	echo "$*"
	"$@"
	is_tree
	umount "$mnt"
}

# By hand.
pinned=digest=$IMAGE_DIGEST,tryverity
good mount -t composefs "$url" "$mnt" -o "store=$store,$pinned"
good mount -t composefs "$url" "$mnt" -o "ro,store=$store,$pinned"
good mount -r -t composefs "$url" "$mnt" -o "store=$store,$pinned"
good mount -t composefs "$image" "$mnt" -o "basedir=$WORK/origin/objects"
good mount -t composefs "$WORK/origin/images/tree" "$mnt" -o "rw,basedir=$WORK/origin/objects"
good env -i /usr/bin/mount -t composefs "$url" "$mnt" -o "store=$store,$pinned"
mount -t composefs "$image" "$mnt" \
	-o "basedir=$WORK/origin/objects,upperdir=$WORK/up,workdir=$WORK/work"
echo new >"$mnt/new"
umount "$mnt"

# PATH is not looked at: a program of that name in it is not run.
mkdir "$WORK/bin"
printf '#!/bin/sh\ntouch %s/was-run\nexit 1\n' "$WORK" >"$WORK/bin/cfs-fetch"
chmod 755 "$WORK/bin/cfs-fetch"
PATH=$WORK/bin:$PATH mount.composefs "$url" "$mnt" -o "store=$store,$pinned"
is_tree
umount "$mnt"
[ ! -e "$WORK/was-run" ] || fail "cfs-fetch came from PATH"

# With what fstab is full of.
fstab() { printf '%s %s composefs store=%s,%s%s 0 0\n' "$url" "$mnt" "$store" "$pinned" "${1:+,$1}" >"$WORK/fstab"; }
for options in '' ro rw defaults,_netdev,nofail noauto,user users owner,group \
	defaults,lazytime nolazytime,dirsync mand,nomand norelatime,nostrictatime relatime \
	strictatime noatime,nodiratime sync,iversion async,auto,suid,dev,exec \
	nosuid,nodev,noexec,nosymfollow comment=hi,silent X-mount.mkdir=0755 \
	x-initrd.mount,x-systemd.automount,x-systemd.requires=a.service,x-systemd.mount-timeout=90s; do
	fstab "$options"
	findmnt --verify --verbose --tab-file "$WORK/fstab" >"$WORK/verify" ||
		fail "findmnt --verify: $(cat "$WORK/verify")"
	good mount -T "$WORK/fstab" "$mnt"
done
fstab no-such-option
assert_fails mount -T "$WORK/fstab" "$mnt" 2>"$WORK/err"
assert_in no-such-option "$WORK/err"

# mount -a does not stack, whatever the image is.
for source in "$url" "$image" "$WORK/origin/images/tree"; do
	case $source in
	http*) where=store=$store ;;
	*) where=basedir=$WORK/origin/objects ;;
	esac
	for options in "$pinned" nosuid "$pinned,_netdev,nofail,x-systemd.automount,user"; do
		echo "$source $mnt composefs $where,$options 0 0" >"$WORK/fstab"
		for _ in 1 2 3; do
			mount -a -T "$WORK/fstab" 2>"$WORK/err" || fail "mount -a: $(cat "$WORK/err")"
			assert_eq "$(n_mounts)" 1 "mounts of $source with $options"
		done
		is_tree
		[ "$source" != "$url" ] || assert_eq "$(findmnt -no SOURCE "$mnt")" "$url" "source"
		umount "$mnt"
		assert_eq "$(n_mounts)" 0 "mounts after umount"
	done
done
wait_for 10 have_fetchers 0

# Remounts, as people and systemd-remount-fs do them.
fstab nofail
mount -T "$WORK/fstab" "$mnt"
for options in remount remount,ro remount,rw,noexec,nosuid remount,noatime; do
	mount -T "$WORK/fstab" -o "$options" "$mnt"
	# Without fstab it is overlayfs that is asked, and that refuses rw.
	[[ $options == *,rw* ]] || mount -o "$options" "$mnt"
	is_tree
	assert_fails touch "$mnt/new"
done
mount -T "$WORK/fstab" -o remount,noexec "$mnt"
[[ ,$(flags), == *,noexec,* ]] || fail "remount,noexec: $(flags)"
mount -T "$WORK/fstab" -o remount "$mnt"
[[ ,$(flags), != *,noexec,* ]] || fail "remount: $(flags)"
assert_eq "$(n_mounts) $(n_fetchers)" "1 1" "mounts and fetchers after all of them"
# What can't be had is refused, and nothing has changed then.
other=$(printf '%064d' 0)
for options in "digest=$other" "basedir=$WORK/origin/objects" "upperdir=$WORK/up,workdir=$WORK/work"; do
	assert_fails mount.composefs "$image" "$mnt" -o "remount,noexec,$options" 2>"$WORK/err"
	assert_in "unmount it and mount it again" "$WORK/err"
	[[ ,$(flags), != *,noexec,* ]] || fail "$options: $(flags)"
done
umount "$mnt"
assert_fails mount.composefs "$url" "$mnt" -o remount,ro 2>"$WORK/err"
assert_in "no image is mounted there" "$WORK/err"

# An image that only its mirror vouches for stays nosuid,nodev.
mount -t composefs "$url" "$mnt" -o "store=$store" 2>/dev/null
mount.composefs "$url" "$mnt" -o "remount,suid,dev,store=$store"
[[ ,$(flags), == *,nosuid,*nodev* ]] || fail "remount,suid,dev: $(flags)"
umount "$mnt"

# With upperdir= a remount makes the mount read-only, and writable again.
echo "$image $mnt composefs basedir=$WORK/origin/objects,upperdir=$WORK/up,workdir=$WORK/work 0 0" \
	>"$WORK/fstab"
mount -T "$WORK/fstab" "$mnt"
mount -T "$WORK/fstab" -o remount,ro "$mnt"
assert_fails touch "$mnt/newer" 2>/dev/null
mount -T "$WORK/fstab" -o remount,rw "$mnt"
touch "$mnt/newer"
umount "$mnt"
wait_for 10 have_fetchers 0
