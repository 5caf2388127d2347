#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The store's own tests on a file system with fs-verity, where they test sealing too.
. "${0%/*}/../../e2e/lib.sh"
need_root
need_verity

for module in object_seal object_publish object_stage object_import store image_names store_gc; do
	CFS_TEST_DIR=$WORK "$CFS_BUILD/tests/unit/test_$module"
done
