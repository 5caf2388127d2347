# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Sourced: packages from a suite the machine does not use, unpacked into the cache and
# never installed.  The archive's address, keys and proxies are the machine's own: they
# come from its apt configuration, here only the suite's name is new.
#
#	$CFS_CACHE/apt/SUITE/	lists and packages of one suite, kept between runs

CFS_CACHE=${CFS_CACHE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/.cache}
export CFS_CACHE

# suite_apt SUITE COMMAND...: an apt program that knows this suite only.
suite_apt() {
	local root=$CFS_CACHE/apt/$1 cmd=$2

	shift 2
	"$cmd" -q -o Dir::Etc::sourcelist="$root/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
		-o Dir::State="$root/state" -o Dir::State::status="$root/status" \
		-o Dir::Cache="$root/cache" -o APT::Sandbox::User=root \
		-o APT::Default-Release= -o Acquire::Languages=none -o Acquire::Retries=3 "$@"
}

# suite_open SUITE: make or refresh its lists; at most twice a day, for the archive's sake.
suite_open() {
	local suite=$1 root=$CFS_CACHE/apt/$1 uri

	mkdir -p "$root"/state/lists/partial "$root"/cache/archives/partial "$root/debs"
	: >"$root/status"
	uri=$(machine_archive)
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $suite main" \
		>"$root/sources.list"
	if [ -n "$(find "$root/updated" -mmin -720 2>/dev/null)" ]; then
		return 0
	fi
	if suite_apt "$suite" apt-get update >"$root/update.log" 2>&1; then
		touch "$root/updated"
	elif [ -e "$root/updated" ]; then
		echo "note: $suite could not be refreshed, its last lists are used" >&2
	else
		cat "$root/update.log" >&2
		return 1
	fi
}

# machine_archive: the URI from which this machine gets its own release.
machine_archive() {
	local codename uri

	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	uri=$(apt-get indextargets --format "\$(REPO_URI) \$(RELEASE) \$(COMPONENT)" \
		"Identifier: Packages" |
		awk -v c="$codename" '$2 == c && $3 == "main" { print $1; exit }')
	if [ -z "$uri" ]; then
		echo "apt has no source with $codename main" >&2
		return 1
	fi
	echo "$uri"
}

# suite_depends SUITE PACKAGE PATTERN: the first dependency of it that matches.
suite_depends() {
	suite_apt "$1" apt-cache depends "$2" |
		sed -n 's/^ *Depends: //p' | grep -m1 -E "$3"
}

# suite_unpack SUITE DIRECTORY PACKAGE...: their files below DIRECTORY, which is made
# anew unless it has these very versions already.
suite_unpack() {
	local suite=$1 dir=$2 debs=$CFS_CACHE/apt/$1/debs want deb

	shift 2
	want=$(suite_apt "$suite" apt-get download --print-uris "$@" | awk '{ print $2 }' | sort)
	[ -n "$want" ] || return 1
	if [ "$(cat "$dir/.packages" 2>/dev/null)" = "$want" ]; then
		return 0
	fi
	rm -rf "$dir"
	mkdir -p "$dir"
	(cd "$debs" && suite_apt "$suite" apt-get download "$@" >download.log 2>&1) ||
		{ cat "$debs/download.log" >&2; return 1; }
	for deb in $want; do
		dpkg -x "$debs/$deb" "$dir"
		rm -f "${debs:?}/$deb"
	done
	echo "$want" >"$dir/.packages"
}
