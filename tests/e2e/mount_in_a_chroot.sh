#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Image builders and rescue shells mount in a plain chroot: its root is no mount point, and
# there may be no /proc.  What is mounted there is seen by those outside, too, if the
# mount point's file system is shared with them, and nothing else is.
. "${0%/*}/lib.sh"
need_root
need_fuse
need_fs erofs
need_fs overlay

make_tree "$WORK/tree"
make_store "$WORK/origin" "$WORK/tree" tree
start_serve "$WORK/origin"
url=$SERVE_URL/images/tree
root=$WORK/root
mkdir -p "$root"/{usr,etc,dev,proc,tmp,srv,mnt,store,a} "$root$CFS_BUILD"
for link in bin sbin lib lib64; do
	[ ! -L "/$link" ] || cp -a "/$link" "$root/$link"
done
mount --rbind -o ro /usr "$root/usr"
mount --bind /etc "$root/etc"
mount --bind "$CFS_BUILD" "$root$CFS_BUILD"
mount --rbind /dev "$root/dev"
mount --bind "$WORK/origin" "$root/srv"
n_mounts() { wc -l </proc/self/mountinfo; }
n_fetchers() { pgrep -xc cfs-fetch || true; }
none_left() { [ "$(n_fetchers)" = 0 ]; }
in_chroot() { chroot "$root" /usr/bin/env "PATH=$PATH" "$@"; }

# tried WHAT OPTIONS SOURCE [COMMAND...]: mounts, reads everything, unmounts.
tried() {
	local what=$1 options=$2 source=$3 before
	local target=/mnt

	shift 3
	before=$(n_mounts)
	rm -rf "$root/store"/*
	"$@" mount.composefs "$source" "$target" -o "$options,backend=overlay" 2>"$WORK/err" ||
		fail "$what: $(cat "$WORK/err")"
	[ "$(n_mounts)" = $((before + 1)) ] || fail "$what: $(($(n_mounts) - before)) mounts"
	check compare-trees --hash "$WORK/tree" "$root/mnt"
	umount "$root/mnt"
	assert_eq "$(n_mounts)" "$before" "mounts after $what"
	echo "$what"
}

local_options=basedir=/srv/objects
url_options=store=/store,digest=$IMAGE_DIGEST,verity_check=0
for proc in no yes; do
	[ $proc = no ] || mount -t proc proc "$root/proc"
	tried "a file, /proc: $proc" "$local_options" /srv/images/tree in_chroot
	tried "a URL, /proc: $proc" "$url_options" "$url" in_chroot
	tried "from a folder of the chroot, /proc: $proc" "$local_options" srv/images/tree in_chroot
	wait_for 10 none_left
	# A remount has to know what is mounted there.
	in_chroot mount.composefs /srv/images/tree /mnt -o "$local_options"
	if [ $proc = no ]; then
		assert_fails in_chroot mount.composefs /srv/images/tree /mnt -o remount,noexec 2>"$WORK/err"
		assert_in /proc "$WORK/err"
	else
		in_chroot mount.composefs /srv/images/tree /mnt -o remount,noexec
		[[ ,$(findmnt -no VFS-OPTIONS "$root/mnt"), == *,noexec,* ]] || fail "remount"
	fi
	umount "$root/mnt"
done

# The chroot's mount is shared with others: they see the image, and only that.
mount --make-rshared "$(findmnt -no TARGET --target "$root")"
tried "a shared mount" "$local_options" /srv/images/tree in_chroot
tried "a shared mount, by URL" "$url_options" "$url" in_chroot
wait_for 10 none_left

# In a mount namespace of its own, as `unshare -m` makes it, with and without a chroot.
unshare -m chroot "$root" /usr/bin/env "PATH=$PATH" /bin/sh -ec "
	mount.composefs '$url' /mnt -o '$url_options'
	ls /mnt/large >/dev/null
	umount /mnt"
unshare -m /bin/sh -ec "
	mount.composefs '$WORK/origin/images/tree' '$root/mnt' -o 'basedir=$WORK/origin/objects'
	cmp '$WORK/tree/large' '$root/mnt/large'
	umount '$root/mnt'"

# What a chroot may lack is named.
umount -l "$root/dev"
assert_fails in_chroot mount.composefs "$url" /mnt -o "$url_options" 2>"$WORK/err"
assert_in /dev/fuse "$WORK/err"
wait_for 10 none_left
