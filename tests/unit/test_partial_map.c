// SPDX-License-Identifier: GPL-2.0-or-later
/* Test fetcher/partial/map.c: what is asked for, and in which order. */
#include "fetcher/partial/map.h"

#include "tests/unit/test.h"

/* Three levels: 1, 2 and 200 blocks. */
#define SIZE	((uint64_t)200 * 128 * 4096)

static struct partial_map map;

/* Ask for the next, which must be this. */
static void expect(uint64_t from, uint64_t to, enum partial_kind kind,
		   uint64_t want_from, uint64_t want_to)
{
	struct partial_span span;

	CHECK(partial_map_next(&map, from, to, 1000, &span));
	CHECK_EQ(span.kind, kind);
	CHECK_EQ(span.from, want_from);
	CHECK_EQ(span.to, want_to);
	CHECK_EQ(partial_map_ask(&map, &span), 0);
}

static void expect_nothing(uint64_t from, uint64_t to)
{
	struct partial_span span;

	CHECK(!partial_map_next(&map, from, to, 1000, &span));
}

static void came(enum partial_kind kind, uint64_t from, uint64_t to)
{
	struct partial_span span = { kind, from, to };

	partial_map_came(&map, &span);
}

/* One block: its path at once, from the root down; then the block. */
static void test_one_block(void)
{
	partial_map_init(&map, SIZE, true);
	expect(20000, 20001, PARTIAL_NODES, 0, 1);
	expect(20000, 20001, PARTIAL_NODES, 2, 3);
	expect(20000, 20001, PARTIAL_NODES, 3 + 156, 3 + 157);
	expect_nothing(20000, 20001);
	came(PARTIAL_NODES, 0, 1);
	came(PARTIAL_NODES, 2, 3);
	expect_nothing(20000, 20001);
	came(PARTIAL_NODES, 3 + 156, 3 + 157);
	expect(20000, 20001, PARTIAL_DATA, 20000, 20001);
	expect_nothing(20000, 20001);
	came(PARTIAL_DATA, 20000, 20001);
	CHECK(partial_map_has(&map, 20000, 20001));
	CHECK(!partial_map_has(&map, 20000, 20002));
	/* A neighbour needs no more of the tree. */
	expect(20001, 20003, PARTIAL_DATA, 20001, 20003);
	partial_map_free(&map);
}

/* What does not come is asked for again; what is here is not. */
static void test_failures(void)
{
	struct partial_span span = { PARTIAL_DATA, 3, 5 };

	partial_map_init(&map, 10 * 4096, false);
	expect(0, 10, PARTIAL_DATA, 0, 10);
	came(PARTIAL_DATA, 0, 3);
	partial_map_failed(&map, &span);
	expect(0, 10, PARTIAL_DATA, 3, 5);
	expect_nothing(0, 10);
	CHECK_EQ(map.prefix, 3);
	came(PARTIAL_DATA, 5, 10);
	CHECK_EQ(map.prefix, 3);
	came(PARTIAL_DATA, 3, 5);
	CHECK_EQ(map.prefix, 10);
	CHECK(partial_map_whole(&map));
	partial_map_free(&map);
}

/* A window gets the leaves of all of it in one request. */
static void test_a_window(void)
{
	partial_map_init(&map, SIZE, true);
	expect(0, 1280, PARTIAL_NODES, 0, 1);
	expect(0, 1280, PARTIAL_NODES, 1, 2);
	expect(0, 1280, PARTIAL_NODES, 3, 13);
	expect_nothing(0, 1280);
	came(PARTIAL_NODES, 0, 1);
	came(PARTIAL_NODES, 1, 2);
	came(PARTIAL_NODES, 3, 5);
	expect(0, 1280, PARTIAL_DATA, 0, 256);
	expect_nothing(0, 1280);
	came(PARTIAL_NODES, 5, 13);
	expect(0, 1280, PARTIAL_DATA, 256, 1256);
	expect(0, 1280, PARTIAL_DATA, 1256, 1280);
	partial_map_free(&map);
}

static void test_the_end(void)
{
	partial_map_init(&map, 128 * 4096 + 1, true);
	expect(128, 500, PARTIAL_NODES, 0, 1);
	expect(128, 500, PARTIAL_NODES, 2, 3);
	came(PARTIAL_NODES, 0, 1);
	came(PARTIAL_NODES, 2, 3);
	expect(128, 500, PARTIAL_DATA, 128, 129);
	expect_nothing(129, 500);
	partial_map_free(&map);
}

static void test_what_vouches_comes_first(void)
{
	struct partial_span leaves = { PARTIAL_NODES, 3 + 120, 3 + 140 };
	struct partial_span root = { PARTIAL_NODES, 0, 1 };

	partial_map_init(&map, SIZE, true);
	CHECK(partial_map_checkable(&map, &root));
	CHECK(!partial_map_checkable(&map, &leaves));
	came(PARTIAL_NODES, 0, 1);
	came(PARTIAL_NODES, 1, 2);
	CHECK(!partial_map_checkable(&map, &leaves));
	came(PARTIAL_NODES, 2, 3);
	CHECK(partial_map_checkable(&map, &leaves));
	partial_map_free(&map);
}

/* An image can name any size: what it costs is what comes of it. */
static void test_a_huge_object(void)
{
	const uint64_t size = INT64_MAX, last = size / 4096;
	uint64_t leaf;

	partial_map_init(&map, size, true);
	for (int i = 0; i < 1000; i++)
		CHECK(!partial_map_has(&map, 0, last + 1));
	/* All levels, from the root down. */
	for (unsigned int level = map.tree.n_levels; level-- > 0;) {
		leaf = cfs_verity_tree_block(&map.tree, level, last);
		expect(last, last + 1, PARTIAL_NODES, leaf, leaf + 1);
		came(PARTIAL_NODES, leaf, leaf + 1);
	}
	expect(last, last + 1, PARTIAL_DATA, last, last + 1);
	came(PARTIAL_DATA, last, last + 1);
	CHECK(partial_map_has(&map, last, last + 1));
	CHECK(!partial_map_whole(&map));
	CHECK_EQ(map.prefix, 0);
	/* And the rest: the path to its first block. */
	leaf = cfs_verity_tree_block(&map.tree, map.tree.n_levels - 2, 0);
	CHECK_EQ(leaf, 1);
	expect(0, last + 1, PARTIAL_NODES, 1, 4);
	partial_map_free(&map);
}

RUN_TESTS(
	T(test_one_block),
	T(test_failures),
	T(test_a_window),
	T(test_the_end),
	T(test_what_vouches_comes_first),
	T(test_a_huge_object))
