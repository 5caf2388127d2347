# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# The image of a real tree for kmod_random_trees: the guest would take minutes for it.
# shellcheck source=tests/vm/debian_store.sh
. "$here/debian_store.sh"
