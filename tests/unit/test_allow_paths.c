// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>

#include "fetcher/allow/paths.h"
#include "tests/unit/test.h"

static void test_names_on_the_way_are_known(void)
{
	struct allow_paths paths = { .slots = NULL };

	CHECK(!allow_paths_has(&paths, "", "a"));
	CHECK_EQ(allow_paths_add(&paths, "ab/cdef.file"), 0);
	CHECK_EQ(allow_paths_add(&paths, "pool/x/y/z"), 0);
	CHECK_EQ(allow_paths_add(&paths, "alone"), 0);
	CHECK(allow_paths_has(&paths, "ab", "cdef.file"));
	CHECK(allow_paths_has(&paths, "", "ab"));
	CHECK(allow_paths_has(&paths, "", "pool"));
	CHECK(allow_paths_has(&paths, "", "alone"));
	CHECK(!allow_paths_has(&paths, "", "x"));
	CHECK(!allow_paths_has(&paths, "ab", "cdef"));
	CHECK(!allow_paths_has(&paths, "ac", "cdef.file"));
	CHECK(!allow_paths_has(&paths, "", "cdef.file"));
	allow_paths_clear(&paths);
	CHECK(!allow_paths_has(&paths, "", "alone"));
}

static void test_many(void)
{
	struct allow_paths paths = { .slots = NULL };
	char path[64];

	for (int i = 0; i < 20000; i++) {
		snprintf(path, sizeof(path), "%02x/%d.file", i & 255, i);
		CHECK_EQ(allow_paths_add(&paths, path), 0);
		CHECK_EQ(allow_paths_add(&paths, path), 0);
	}
	CHECK_EQ(paths.n, 20000 + 256);
	for (int i = 0; i < 40000; i++) {
		char folder[3];

		snprintf(folder, sizeof(folder), "%02x", i & 255);
		snprintf(path, sizeof(path), "%d.file", i);
		CHECK_EQ(allow_paths_has(&paths, folder, path), i < 20000);
	}
	allow_paths_clear(&paths);
}

RUN_TESTS(T(test_names_on_the_way_are_known), T(test_many))
