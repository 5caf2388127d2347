#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# initramfs.sh initramfs-tools|dracut|none|live [CA]: an initramfs for the kernel 6.12, made by
# Debian's own tools in the tools tree with what the build installs; prints its path.
# "none" is initramfs-tools without anything of ours, and "live" is that with live-boot,
# to compare with.  With the certificates in the file CA, which the machine trusts too; it
# is another image then, KIND-ca.img.
#
# Needs root, $CFS_BUILD, and build-module.sh 6.12 before.
set -eEuo pipefail
shopt -s inherit_errexit
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
. "$here/../suite.sh"
. "$here/install.sh"

kind=${1:?initramfs.sh initramfs-tools|dracut|none|live}
ca=${2:-}
CFS_BUILD=$(realpath "${CFS_BUILD:-$top/build}")
out=$CFS_BUILD/boot/$kind${ca:+-ca}.img
release=$(cat "$CFS_CACHE/kernels/6.12/release")

if [ -z "${CFS_BOOT_NAMESPACE:-}" ]; then
	small=$(small_programs)
	export small
	CFS_BOOT_NAMESPACE=1 exec unshare --mount --propagation private "$0" "$@"
fi

work=$(mktemp -d "${TMPDIR:-/var/tmp}/cfs-initramfs.XXXXXX")
trap 'umount -R -l "$work/tree" "$work/rw" 2>/dev/null || true; rm -rf --one-file-system "$work"' EXIT
overlay_over "$("$here/trees.sh" tools)" "$work"
install_modules "$work/tree"
if [ "$kind" != live ]; then
	rm -rf "$work"/tree/usr/share/initramfs-tools/{hooks,scripts}/live
fi
if [ "$kind" = initramfs-tools ] || [ "$kind" = dracut ]; then
	DESTDIR=$work/tree cmake --install "$CFS_BUILD" --component boot >"$work/log"
	mkdir -p "$work/tree/usr/lib/composefs/initramfs"
	# shellcheck disable=SC2154
	install -s "$small/fetcher/cfs-fetch" "$small/cache/mount.composefs" \
		"$small/cache/cfs-cmdline" "$work/tree/usr/lib/composefs/initramfs"
fi
if [ -n "$ca" ]; then
	# As update-ca-certificates does with what is in /usr/local/share/ca-certificates.
	mkdir -p "$work/tree/etc/ssl/certs"
	cat "$ca" >>"$work/tree/etc/ssl/certs/ca-certificates.crt"
fi
mount -t proc proc "$work/tree/proc"
mount --rbind /dev "$work/tree/dev"
mount -t tmpfs tmp "$work/tree/tmp"
mkdir -p "$work/tree/etc/initramfs-tools/conf.d" "${out%/*}"
case $kind in
dracut)
	chroot "$work/tree" dracut --force --no-hostonly --kver "$release" --zstd \
		--add cfs /tmp/initramfs >>"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
	;;
*)
	printf 'MODULES=most\nCOMPRESS=zstd\nBUSYBOX=y\n' >"$work/tree/etc/initramfs-tools/conf.d/boot"
	chroot "$work/tree" mkinitramfs -o /tmp/initramfs "$release" >>"$work/log" 2>&1 ||
		{ cat "$work/log" >&2; exit 1; }
	;;
esac
cp "$work/tree/tmp/initramfs" "$out.new"
mv "$out.new" "$out"
echo "$out"
