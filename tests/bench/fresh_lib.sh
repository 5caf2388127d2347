# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034  # what it sets is for the script
#
# Sourced after lib.sh by benches that write many files in each of several runs.

# fresh_dir: sets $DIR, a new directory.  Those of the runs before stay until the end, and on
# ext4 it is in a block group of its own: for minutes ext4 does not use an inode again that
# was deleted, and looks at each such inode of the group whenever it makes a file, which
# would be a millisecond a file after `rm -rf` of a store.
fresh_dir() {
	[ -n "${DIR:-}" ] || chattr +T "$WORK" 2>/dev/null || true
	DIR=$(mktemp -d "$WORK/run.XXXXXX")
}

# fresh_curl URL: a fresh $DIR, and in $WORK/curl.conf the objects of $WORK/names from the
# mirror URL, to go there.
fresh_curl() {
	fresh_dir
	awk -v url="$1" -v to="$DIR" \
		'{ printf "url = \"%s/objects/%s\"\noutput = \"%s/%s\"\n", url, $1, to, $1 }' \
		"$WORK/names" >"$WORK/curl.conf"
}
