#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Fail if a tracked file names a path of somebody's machine, or a host that this
# machine's package sources name: scripts take the archive from the machine's apt.
set -eu

hosts=$(grep -rhoE '(https?|ftp)://[^/ ]+' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null |
	sed -E 's#^[a-z]+://##; s/[.]/[.]/g' | sort -u | paste -sd '|') || true
bad=$(git grep -nIE "/(work|farm|root)/${hosts:+|$hosts}" -- .) || exit 0
printf 'FAIL: paths or hosts of one machine:\n%s\n' "$bad" >&2
exit 1
