#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Fail on what shellcheck finds; nothing is asked of a machine without it.
set -eu

command -v shellcheck >/dev/null || { echo "SKIP: shellcheck is not installed"; exit 77; }
git ls-files -z -- '*.sh' tests/run .ci/run | xargs -0 -n 8 -P 2 shellcheck
