# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# Sourced on the machine by a CASE.host.sh: the Debian root as a store, in which the
# guest's cases may read.  Sets VM_DEBIAN_STORE and VM_DEBIAN_DIGEST.

VM_DEBIAN_STORE=${CFS_DEBIAN_STORE:-$run/debian}
[ -e "$VM_DEBIAN_STORE/images/debian" ] ||
	"$CFS_BUILD/cache/mkcomposefs" --store="$VM_DEBIAN_STORE" --name=debian \
		"$("$here/../debian-root.sh")" >"$run/debian.log" 2>&1
VM_DEBIAN_DIGEST=$(readlink "$VM_DEBIAN_STORE/images/debian" | sed 's#.*objects/##; s#/##')
export VM_DEBIAN_STORE VM_DEBIAN_DIGEST
