#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# debian-root.sh: print the path of a real root file system to test with, made on the
# first call: a Debian with a shell, python3, gcc and the Boost headers, more than
# 25,000 files.  It is kept in the cache and to be read only.
#
#	CFS_ROOTFS	a root file system to take instead
#
# Needs root, for owners and devices.
set -eEuo pipefail
shopt -s inherit_errexit
. "$(dirname "$0")/suite.sh"

if [ -n "${CFS_ROOTFS:-}" ]; then
	echo "$CFS_ROOTFS"
	exit 0
fi
dir=$CFS_CACHE/debian-root
mkdir -p "$CFS_CACHE"
exec 9>"$CFS_CACHE/debian-root.lock"
flock 9
if [ ! -e "$dir.done" ]; then
	echo "making a Debian root in $dir, once" >&2
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	rm -rf --one-file-system "$dir"
	# Proxies and the like: whatever this machine needs to reach its archive.
	apt-config dump | grep '^Acquire::' >"$dir.apt" || true
	mmdebstrap --variant=minbase --aptopt="$dir.apt" \
		--include=ca-certificates,g++,gcc,iproute2,less,libboost-dev,libc6-dev,make,perl,procps,python3 \
		"$codename" "$dir" "deb $(machine_archive) $codename main" >"$dir.log" 2>&1 || {
		tail -n 30 "$dir.log" >&2
		exit 1
	}
	files=$(find "$dir" -xdev -type f | wc -l)
	[ "$files" -ge 25000 ] || {
		echo "debian-root.sh: only $files files in $dir" >&2
		exit 1
	}
	touch "$dir.done"
fi
echo "$dir"
