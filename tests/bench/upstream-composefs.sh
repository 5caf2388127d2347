#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# upstream-composefs.sh DIR: unpack the existing composefs tools of Debian
# unstable into DIR, to compare ours with.  Nothing is installed: they run with
# the libraries that are unpacked beside them.
#
#	DIR/run mkcomposefs ARGUMENT...
#
# The mirror is the one this machine already uses for Debian.
set -euo pipefail

if [ $# -ne 1 ]; then
	echo "usage: ${0##*/} DIR" >&2
	exit 2
fi
mkdir -p "$1"
dir=$(cd "$1" && pwd)
packages=(composefs libcomposefs1 libc6 libssl3t64 libfuse3-4 libzstd1 zlib1g libgcc-s1)

if [ -x "$dir/run" ]; then
	exit 0			# unpacked by an earlier run
fi

# The machine's own Debian sources with the suite replaced, without the
# security archive, which has no unstable suite.
sources=$dir/apt/sources.list
mkdir -p "$dir"/apt/{lists,cache/archives}/partial
for file in /etc/apt/sources.list.d/*.sources; do
	[ -f "$file" ] || continue
	awk -v RS= -v ORS='\n\n' '/Signed-By:[^\n]*debian/ && !/security/' "$file" |
		sed -E 's/^Suites:.*/Suites: sid/' >>"$dir/apt/debian.sources"
done
: >"$sources"
if [ -f /etc/apt/sources.list ]; then
	sed -nE 's/^deb (\[[^]]*\] )?([^ ]+) [a-z]+ .*/deb \1\2 sid main/p' \
		/etc/apt/sources.list | grep -v security | sort -u >"$sources" || true
fi
mkdir -p "$dir/apt/parts"
[ ! -s "$dir/apt/debian.sources" ] || mv "$dir/apt/debian.sources" "$dir/apt/parts/"

apt=(apt-get -q
	-o "Dir::Etc::sourcelist=$sources"
	-o "Dir::Etc::sourceparts=$dir/apt/parts"
	-o "Dir::State::lists=$dir/apt/lists"
	-o "Dir::Cache=$dir/apt/cache"
	-o "Debug::NoLocking=1"
	-o "APT::Sandbox::User=")
"${apt[@]}" update >&2
mkdir -p "$dir/deb" "$dir/root"
(cd "$dir/deb" && "${apt[@]}" download "${packages[@]}" >&2)
for deb in "$dir"/deb/*.deb; do
	dpkg -x "$deb" "$dir/root"
done
rm -rf "$dir/apt" "$dir/deb"

loader=$(cd "$dir/root" && find . -name 'ld-linux*' | head -n 1)
libs=$(cd "$dir/root" && echo usr/lib/*-linux-gnu*)
cat >"$dir/run.new" <<RUN
#!/bin/sh
# run TOOL ARGUMENT...: one of the unpacked tools, with the unpacked libraries
root=\$(dirname "\$(readlink -f "\$0")")/root
tool=\$root/usr/bin/\$1
[ -x "\$tool" ] || tool=\$root/usr/sbin/\$1
shift
exec "\$root/$loader" --library-path "\$root/$libs" "\$tool" "\$@"
RUN
chmod 755 "$dir/run.new"
mv "$dir/run.new" "$dir/run"
