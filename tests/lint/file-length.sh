#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Fail if a source file has grown beyond 550 lines: by then it does more than one thing.
set -eu

long=$(git ls-files -z -- '*.c' '*.h' '*.sh' '*.py' | xargs -0 wc -l |
	awk '$2 != "total" && $1 > 550 { print "  " $2 ": " $1 " lines" }')
[ -n "$long" ] || exit 0
printf 'FAIL: longer than 550 lines:\n%s\n' "$long" >&2
exit 1
