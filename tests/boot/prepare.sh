#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# prepare.sh: the image and the initramfs that the cases boot with, below $CFS_BUILD/boot.
set -eEuo pipefail
here=$(cd "$(dirname "$0")" && pwd)

# From the build as it is now, nothing that an older one left.
rm -rf --one-file-system "${CFS_BUILD:?}/boot/origin"
"$here/origin.sh" 1
"$here/initramfs.sh" initramfs-tools
