#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Fail if an installed program has no man page beside it, or if the page does not
# mention one of the long options that its --help does.
#
#	CFS_BUILD	where the programs are (ctest sets it)
set -eu

status=0
complain() {
	echo "FAIL: $*" >&2
	status=1
}

while read -r program; do
	page=$(git ls-files -- "*/$program.[1-8].scd")
	if [ -z "$page" ]; then
		complain "$program has no man page ($program.N.scd)"
		continue
	fi
	binary=$(find "$CFS_BUILD"/{cache,fetcher,server} -name "$program" -type f -perm -u+x)
	for option in $("$binary" --help | grep -oE '(^|[ ,|[])--[a-z][a-z-]+' | tr -d ' ,|[' | sort -u); do
		sed 's/\\//g' "$page" | grep -qF -e "$option" || complain "$page says nothing about $option"
	done
done < <(sed -n 's/^install(TARGETS \([^ ]*\) DESTINATION .*/\1/p' \
	cache/CMakeLists.txt fetcher/CMakeLists.txt server/CMakeLists.txt)
exit "$status"
