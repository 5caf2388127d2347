#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sid-tools.sh: print the path of a program that runs the existing composefs tools, and
# an ostree that records composefs digests, of Debian unstable; older suites have
# neither.  Unpacked into $CFS_CACHE on the first call, with their libraries; nothing is
# installed.
#
#	"$(tests/sid-tools.sh)" TOOL ARGUMENT...
set -eEuo pipefail
shopt -s inherit_errexit
. "$(dirname "$0")/suite.sh"

dir=$CFS_CACHE/sid-tools
mkdir -p "$CFS_CACHE"
exec 9>"$CFS_CACHE/sid-tools.lock"
flock 9
if [ ! -e "$dir.run" ]; then
	suite_open sid
	# What apt would install on an empty machine, less what is no library.
	mapfile -t packages < <(suite_apt sid apt-get install -y --no-install-recommends \
		--print-uris composefs ostree 2>/dev/null |
		sed -n "s/^'[^']*' \([^_]*\)_.*/\1/p" | grep -E '^(lib|zlib|composefs$|ostree$)')
	suite_unpack sid "$dir" "${packages[@]}"
	cat >"$dir.run.new" <<-'RUN'
	#!/bin/sh
	# run TOOL ARGUMENT...
	root=$(dirname "$(readlink -f "$0")")/sid-tools
	tool=$root/usr/bin/$1
	[ -x "$tool" ] || tool=$root/usr/sbin/$1
	shift
	libs=$(echo "$root"/usr/lib/*-linux-gnu*)
	exec "$root"/usr/lib*/ld-linux*.so.* --library-path "$libs" "$tool" "$@"
	RUN
	chmod 755 "$dir.run.new"
	mv "$dir.run.new" "$dir.run"
fi
echo "$dir.run"
