// SPDX-License-Identifier: GPL-2.0-or-later
/* A fetch of a large object, and what else happens to it meanwhile. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/large_rig.h"
#include "tests/unit/test.h"

/* A reader comes while the whole is on its way for later: it waits for that. */
static void test_reader_joins_a_prefetch(void)
{
	static const char *const texts[] = { TREES, NO_TREES };
	static const enum fetch_kind kinds[] = { FETCH_PREFETCH, FETCH_BACKGROUND };

	for (size_t i = 0; i < 4; i++) {
		struct reader ahead, r;

		make_large();
		start_large(2, texts[i / 2]);
		ask(&ahead, &large, kinds[i % 2]);
		spin_until_gets(1);
		ask(&r, &large, FETCH_DEMAND);
		serve_until(&r.calls);
		CHECK_EQ(r.err, 0);
		CHECK_EQ(ahead.calls, 1);
		CHECK_EQ(ahead.err, 0);
		check_stored(&large, true);
		CHECK_EQ(fetcher_stats(rig.fetcher)->objects, 1);
		finish_large();
	}
}

/* The object had all its bytes and could not be published: they have to come again. */
static void test_asked_again_after_publishing_failed(void)
{
	char path[128];
	struct reader r;
	FILE *file;

	make_large();
	start_large(1, TREES);
	/* In the way of the folder that its name is in. */
	snprintf(path, sizeof(path), "%s/objects/%02x", rig.path,
		 large.digest.bytes[0]);
	file = fopen(path, "w");
	CHECK(file);
	fclose(file);
	ask(&r, &large, FETCH_DEMAND);
	serve_until(&r.calls);
	CHECK_EQ(r.err, -ENOTDIR);
	CHECK_EQ(unlink(path), 0);
	ask(&r, &large, FETCH_DEMAND);
	serve_until(&r.calls);
	CHECK_EQ(r.err, 0);
	check_stored(&large, true);
	finish_large();
}

RUN_TESTS(T(test_reader_joins_a_prefetch),
	  T(test_asked_again_after_publishing_failed))
