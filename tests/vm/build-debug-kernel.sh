#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# build-debug-kernel.sh [--cached]: a kernel that watches itself, KASAN, lockdep, kmemleak
# and UBSAN, as user mode Linux: Debian's source of bookworm-backports with debug.config.
#
#	--cached	build nothing: is there one already, made with this debug.config?
#
# Leaves in $CFS_CACHE/kernels/debug/, a link to a folder named for the source's version
# and the configuration:
#	linux		the kernel, a program
#	release		its version, as uname -r gives it
#	build		for build-module.sh, as fetch-kernels.sh leaves it
#	config.sum	of the debug.config that it has
#
# Takes some 11 minutes of one processor and 3 GB while it builds, 700 MB afterwards.
set -eEuo pipefail
shopt -s inherit_errexit
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../suite.sh"

package=linux-source-6.12
link=$CFS_CACHE/kernels/debug
config_sum=$(sha256sum <"$here/debug.config" | cut -d ' ' -f 1)

if [ "${1:-}" = --cached ]; then
	[ "$(cat "$link/config.sum" 2>/dev/null)" = "$config_sum" ]
	exit
fi

# missing_from FILE: what debug.config says and FILE does not.
missing_from() {
	grep -E '^(# )?CONFIG_' "$here/debug.config" | sort |
		comm -23 - <(sort "$1") | while read -r line; do
			# A symbol that can't be chosen here at all is off as well.
			if [[ $line == *"is not set" ]] &&
				! grep -q "^$(awk '{ print $2 }' <<<"$line")=" "$1"; then
				continue
			fi
			echo "$line"
		done
}

unpack() {
	rm -rf "$dir"
	suite_unpack bookworm-backports "$dir/package" "$package"
	mkdir "$dir/source"
	tar -C "$dir/source" --strip-components=1 -xf "$dir/package/usr/src/$package.tar.xz"
	rm -rf "$dir/package"
}

build() {
	local make=(make -C "$dir/source" ARCH=um O="$dir/build" CC=gcc-12 HOSTCC=gcc-12)

	mkdir -p "$dir/build"
	cp "$here/debug.config" "$dir/build/.config"
	"${make[@]}" olddefconfig
	if [ -n "$(missing_from "$dir/build/.config")" ]; then
		echo "build-debug-kernel.sh: the configuration does not keep:" >&2
		missing_from "$dir/build/.config" >&2
		return 1
	fi
	"${make[@]}" -j"$(nproc)" linux modules
	cp "$dir/build/linux" "$dir/linux.new"
	mv "$dir/linux.new" "$dir/linux"
	"${make[@]}" -s kernelrelease | tail -n 1 >"$dir/release"
}

# What modules are built with is kept, what the kernel was built from is not.
prune() {
	find "$dir/build" \( -name '*.o' -o -name '*.a' -o -name '.*.cmd' -o -name 'vmlinux*' -o -name linux \) \
		-not -path '*/scripts/*' -not -path '*/tools/*' -type f -delete
	find "$dir/source" -type f -not -path "$dir/source/scripts/*" \
		-not -path "$dir/source/tools/*" -name '*.[cS]' -delete
	rm -rf "$dir/source"/{Documentation,sound,samples}
	find "$dir/source/arch" -mindepth 1 -maxdepth 1 -not -name um -not -name x86 \
		-not -name 'Kconfig*' -exec rm -rf {} +
}

mkdir -p "$CFS_CACHE/kernels"
exec 9>"$CFS_CACHE/debug-kernel.lock"
flock 9
suite_open bookworm-backports
version=$(suite_apt bookworm-backports apt-cache policy "$package" |
	sed -n 's/^  Candidate: //p')
if [ -z "$version" ] || [ "$version" = "(none)" ]; then
	echo "build-debug-kernel.sh: bookworm-backports has no $package" >&2
	exit 1
fi
dir=$link-$version-${config_sum:0:12}
if [ ! -e "$dir/config.sum" ]; then
	unpack
	build
	prune
	echo "$config_sum" >"$dir/config.sum"
fi
find "$CFS_CACHE/kernels" -mindepth 1 -maxdepth 1 -name 'debug*' -not -path "$dir" -exec rm -rf {} +
ln -s "${dir##*/}" "$link"
echo "debug is $(cat "$link/release"), from $package $version"
