#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# fetch-kernels.sh [6.12|newest]...: Debian's cloud kernels with their headers, and a
# QEMU that runs them, from the backports suites into $CFS_CACHE.  Nothing is installed.
#
#	6.12	the kernel of Debian 13, from bookworm-backports
#	newest	whatever trixie-backports has today
#
# Leaves per kernel, below $CFS_CACHE/kernels/NAME/:
#	release		its version, as uname -r gives it
#	files/		the packages' files
#	vmlinuz, modules, build		links into files/; `make -C build M=...` works with
#			the machine's own compiler (build-module.sh knows the options)
#
# QEMU comes from bookworm-backports too: with 7.2 these kernels crash at random under
# emulation (3 of 20 boots), with 10.0 they do not.  virtiofsd is the machine's own.
set -eEuo pipefail
shopt -s inherit_errexit
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../suite.sh"

suite_of() {
	case $1 in
	6.12) echo bookworm-backports ;;
	newest) echo trixie-backports ;;
	*) echo "fetch-kernels.sh: no kernel '$1' (6.12, newest)" >&2; return 1 ;;
	esac
}

fetch_qemu() {
	suite_open bookworm-backports
	suite_unpack bookworm-backports "$CFS_CACHE/qemu" \
		qemu-system-x86 qemu-system-common qemu-system-data
}

# The image is one package or, since 7.x, a binary and its modules.
image_packages() {
	local suite=$1 image=$2 part

	if part=$(suite_depends "$suite" "$image" '^linux-binary-'); then
		echo "$part"
		suite_depends "$suite" "$image" '^linux-modules-'
		suite_depends "$suite" "$image" '^linux-base-[0-9]'
	else
		echo "$image"
	fi
}

fetch_kernel() {
	local name=$1 dir=$CFS_CACHE/kernels/$1 suite image headers release packages

	suite=$(suite_of "$name")
	suite_open "$suite"
	image=$(suite_depends "$suite" linux-image-cloud-amd64 '^linux-image-[0-9]')
	headers=$(suite_depends "$suite" linux-headers-cloud-amd64 '^linux-headers-[0-9]')
	release=${image#linux-image-}
	mapfile -t packages < <(image_packages "$suite" "$image")
	packages+=("$headers"
		"$(suite_depends "$suite" "$headers" '^linux-headers-.*-common$')"
		"$(suite_depends "$suite" "$headers" '^linux-kbuild-')")
	# What is prepared below names this very directory.
	if [ "$(cat "$dir/files/.prepared" 2>/dev/null)" != "$dir" ]; then
		rm -rf "$dir"
	fi
	suite_unpack "$suite" "$dir/files" "${packages[@]}"
	if [ -e "$dir/files/.prepared" ]; then
		return 0
	fi
	echo "$release" >"$dir/release"
	if [ -d "$dir/files/usr/lib/modules/$release" ]; then
		ln -sfn "files/usr/lib/modules/$release" "$dir/modules"
		ln -sfn modules/vmlinuz "$dir/vmlinuz"
	else
		ln -sfn "files/lib/modules/$release" "$dir/modules"
		ln -sfn "files/boot/vmlinuz-$release" "$dir/vmlinuz"
	fi
	ln -sfn "files/usr/src/linux-headers-$release" "$dir/build"
	depmod -b "$(realpath "$dir/modules/../../..")" "$release"
	prepare_headers "$dir" "$suite"
	echo "$dir" >"$dir/files/.prepared"
}

# The headers name absolute paths; and those of a newer Debian bring build tools linked
# against its libc, which therefore run with that libc beside them.
prepare_headers() {
	local dir=$1 suite=$2 src=$1/files/usr/src libs=$CFS_CACHE/kernels/trixie-libs tool

	sed -i "s#/usr/src/#$src/#" "$dir/build/Makefile"
	[ "$suite" = trixie-backports ] || return 0
	suite_open trixie
	suite_unpack trixie "$libs" libc6 libelf1t64 zlib1g libzstd1
	find "$dir/files/usr/lib" -path '*linux-kbuild-*' -type f -perm -u+x |
		while read -r tool; do
			grep -q GLIBC_2.38 "$tool" || continue
			mv "$tool" "$tool.bin"
			cat >"$tool" <<-END
			#!/bin/sh
			exec $libs/usr/lib64/ld-linux-x86-64.so.2 --library-path $libs/usr/lib/x86_64-linux-gnu $tool.bin "\$@"
			END
			chmod +x "$tool"
		done
}

[ "$#" -gt 0 ] || set -- 6.12 newest
mkdir -p "$CFS_CACHE"
exec 9>"$CFS_CACHE/lock"
flock 9
fetch_qemu
for name; do
	fetch_kernel "$name"
	echo "$name is $(cat "$CFS_CACHE/kernels/$name/release")"
done
