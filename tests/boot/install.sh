# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Sourced: putting what was built into trees.  Needs $top, $CFS_CACHE, $CFS_BUILD.

# overlay_over TREE WORK: WORK/tree shows TREE, and takes writes elsewhere.
overlay_over() {
	mkdir -p "$2/tree" "$2/rw"
	mount -t tmpfs rw "$2/rw"
	mkdir "$2/rw/upper" "$2/rw/work"
	mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/rw/upper,workdir=$2/rw/work" "$2/tree"
}

# install_modules ROOT: those of the kernel 6.12, and composefs.ko.
install_modules() {
	local release

	release=$(cat "$CFS_CACHE/kernels/6.12/release")
	mkdir -p "$1/usr/lib/modules"
	cp -a "$(realpath "$CFS_CACHE/kernels/6.12/modules")" "$1/usr/lib/modules/"
	mkdir -p "$1/usr/lib/modules/$release/updates"
	cp "$CFS_BUILD/kmod-6.12/composefs.ko" "$1/usr/lib/modules/$release/updates/"
	mkdir -p "$1/boot"
	cp "$CFS_CACHE/kernels/6.12/files/boot/config-$release" "$1/boot/"
	depmod -b "$1" "$release"
}

# small_programs: those for an initramfs, with a small libcurl; prints the build folder.
small_programs() {
	local dir=$CFS_BUILD/boot/small curl

	# shellcheck disable=SC2154
	curl=$("$top/tests/boot/build-curl.sh")
	mkdir -p "$dir"
	# shellcheck disable=SC2015
	cmake -S "$top" -B "$dir" -G Ninja -DCFS_SMALL_CURL="$curl" >"$dir/log" 2>&1 &&
		ninja -C "$dir" cfs-fetch cfs-report mount.composefs cfs-cmdline cfs-seed cfs-store >>"$dir/log" 2>&1 || {
		tail -n 30 "$dir/log" >&2
		return 1
	}
	echo "$dir"
}

# install_system ROOT SMALL: the programs and units of the running system.
install_system() {
	install -d "$1/usr/sbin" "$1/usr/bin"
	install -s "$2/fetcher/cfs-fetch" "$2/fetcher/cfs-report" "$2/cache/mount.composefs" \
		"$2/cache/cfs-cmdline" "$1/usr/sbin"
	install -s "$2/fetcher/cfs-seed" "$2/cache/cfs-store" "$1/usr/bin"
	DESTDIR=$1 cmake --install "$CFS_BUILD" --component boot >/dev/null
}
