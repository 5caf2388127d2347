#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# limit: 200
# Broken copies of an image are mounted, walked, read and unmounted: the kernel says
# no worse than that an image is malformed, and nothing of them stays.  For long runs, some
# 10 mounts a second: VM_HOSTILE_SECONDS=3600 tests/run debug kmod_hostile_images, with another
# VM_HOSTILE_SEED (the number of the first copy) each time.
. "$(dirname "$0")/../module.sh"

python3 "$E2E/tree.py" tree --overlay
mkcomposefs --digest-store=objects tree img
dmesg -n 1		# a line for each copy would take longer than the copy
walk_hostile img objects "${VM_HOSTILE_SEED:-0}" "${VM_HOSTILE_SECONDS:-15}" | tee said
[ "$(grep -o '[0-9]* could' said | cut -d ' ' -f 1)" -gt 0 ] || fail "none could be mounted"
drop_caches
rmmod composefs		# only without any inode left
