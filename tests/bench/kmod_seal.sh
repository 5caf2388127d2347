#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# In the guest, once for each disk of kmod.sh: image and sealed objects of /mnt/tree.
. "$(dirname "$0")/../vm/module.sh"

mkcomposefs --store=/mnt/store --name=tree /mnt/tree
cp -L /mnt/store/images/tree /mnt/tree.img
fsverity enable /mnt/tree.img
find /mnt/store/objects -type f | wc -l
