// SPDX-License-Identifier: GPL-2.0-or-later
/* Trees that are not there, or of no use: the object is read all the same. */
#include <errno.h>
#include <string.h>

#include "fetcher/engine/internal.h"
#include "fetcher/mirror/mirrors.h"
#include "fetcher/mirror/offers.h"
#include "tests/unit/part_rig.h"
#include "tests/unit/test.h"

/* A GET to that mirror was answered with 429 and Retry-After. */
static void pause_mirror(size_t i, uint64_t ms)
{
	struct mirrors *mirrors = rig.fetcher->mirrors;
	uint64_t now_ms = loop_now_ms(rig.loop), at_ms;
	size_t picked;

	CHECK_EQ(mirrors_pick(mirrors, now_ms, ~((uint32_t)1 << i), &picked,
			      &at_ms), 0);
	CHECK_EQ(picked, i);
	mirrors_report(mirrors, i, now_ms, FETCH_RESULT_BUSY, 0, ms);
}

/* The mirrors have trees, but none of this object. */
static void test_no_tree_of_this_object(void)
{
	struct partial_handle *handle;
	struct part_reader p;

	make_large();
	start_large(2, TREES);
	manners[0] = manners[1] = NO_TREE;
	handle = open_it();
	CHECK_EQ(want(handle, &p, 5000, 10), PARTIAL_WAIT);
	serve_until(&p.calls);
	CHECK_EQ(p.err, 0);
	check_bytes(handle, 5000, 10);
	check_stored(&large, true);
	partial_close(handle);
	finish_large();
}

/* A tree of no use, of whatever kind, keeps nobody from the object. */
static void test_no_tree_of_use(void)
{
	static const enum fetch_result ends[] = {
		FETCH_RESULT_OK, FETCH_RESULT_TIMEOUT, FETCH_RESULT_BUSY,
		FETCH_RESULT_STATUS, FETCH_RESULT_SHORT, FETCH_RESULT_DENIED,
		FETCH_RESULT_RANGE, FETCH_RESULT_REDIRECT, FETCH_RESULT_BAD_SIZE,
		FETCH_RESULT_UNREACHABLE,
	};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct partial_handle *handle;
		struct part_reader p;

		make_large();
		start_large(1, TREES);
		manners[0] = WRONG_TREE;
		handle = open_it();
		CHECK_EQ(want(handle, &p, 5000, 10), PARTIAL_WAIT);
		spin_until_gets(1);
		CHECK(strstr(rig.gets[0]->url, "/verity/"));
		if (ends[i] != FETCH_RESULT_OK)
			end_get(rig.gets[0], ends[i]);
		serve_until(&p.calls);
		CHECK_EQ(p.err, 0);
		check_bytes(handle, 5000, 10);
		check_stored(&large, true);
		partial_close(handle);
		finish_large();
	}
}

/* Neither does one that does not come, or too slowly. */
static void test_tree_that_is_late(void)
{
	for (int drips = 0; drips < 2; drips++) {
		struct partial_handle *handle;
		struct part_reader p;

		make_large();
		start_large(1, TREES);
		rig.config.deadline_ms = 1500;
		handle = open_it();
		CHECK_EQ(want(handle, &p, 5000, 10), PARTIAL_WAIT);
		spin_until_gets(1);
		while (!rig.n_gets || strstr(rig.gets[0]->url, "/verity/")) {
			struct http_get *get = rig.n_gets ? rig.gets[0] : NULL;

			if (drips && get)
				CHECK_EQ(get->data(get, large_tree, 1), 0);
			spin(20);
			CHECK_EQ(p.calls, 0);
		}
		serve_until(&p.calls);
		CHECK_EQ(p.err, 0);
		check_bytes(handle, 5000, 10);
		CHECK(!mirror_offers(rig.fetcher->offers, 0, CFS_MIRROR_VERITY));
		partial_close(handle);
		finish_large();
	}
}

/* The mirror that has the tree may not be asked for a while, one without it may. */
static void test_tree_of_a_mirror_that_pauses(void)
{
	struct partial_handle *handle;
	struct part_reader p;

	make_large();
	start_large(2, TREES);
	mirror_offers_broken(rig.fetcher->offers, 1, CFS_MIRROR_VERITY);
	pause_mirror(0, 60000);
	handle = open_it();
	CHECK_EQ(want(handle, &p, 5000, 10), PARTIAL_WAIT);
	serve_until(&p.calls);
	CHECK_EQ(p.err, 0);
	check_bytes(handle, 5000, 10);
	CHECK_EQ(mirrors_stats(rig.fetcher->mirrors, 0)
			 ->results[FETCH_RESULT_OK], 0);
	partial_close(handle);
	finish_large();
}

RUN_TESTS(
	T(test_no_tree_of_this_object),
	T(test_no_tree_of_use),
	T(test_tree_that_is_late),
	T(test_tree_of_a_mirror_that_pauses))
