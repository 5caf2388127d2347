# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Sourced in the root of the source: the dumps whose images stand in tests/golden/images.  Those
# of tests/fuzz/seeds/dump/ are at the edges of the image format; "random-N" is what
# random_dump.py makes of the seed N.

golden_names() {
	local dump seed

	for dump in tests/fuzz/seeds/dump/*; do
		echo "${dump##*/}"
	done
	for seed in $(seq 1 12); do
		echo "random-$seed"
	done
}

# golden_dump NAME: to stdout.
golden_dump() {
	case $1 in
	random-*) python3 tests/fuzz/random_dump.py "${1#random-}" ;;
	*) cat "tests/fuzz/seeds/dump/$1" ;;
	esac
}
