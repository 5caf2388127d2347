#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Fail if a source file does not say its licence in its first three lines: GPL-2.0 in
# kmod/, as the kernel is, GPL-2.0-or-later everywhere else.
set -eu

git ls-files -z -- '*.c' '*.h' '*.sh' '*.py' '*CMakeLists.txt' '*Makefile' '*Kbuild' \
	tests/run .ci/run | xargs -0 awk '
FNR == 1 { check(); file = FILENAME; licence = "none" }
FNR <= 3 && /SPDX-License-Identifier: / {
	sub(/.*SPDX-License-Identifier: /, "")
	sub(/ \*\/$/, "")
	licence = $0
}
function check() {
	want = file ~ /^kmod\// ? "GPL-2.0" : "GPL-2.0-or-later"
	if (file == "" || licence == want)
		return
	printf "FAIL: %s: licence %s, want %s\n", file, licence, want
	failed = 1
}
END { check(); exit failed }'
