// SPDX-License-Identifier: GPL-2.0-or-later
/* Large objects, in parts, on a transport that the test drives: see large_rig.h. */
#include "fetcher/partial/partial.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/full_io.h"
#include "fetcher/engine/internal.h"
#include "fetcher/mirror/offers.h"
#include "fetcher/mirror/mirrors.h"
#include "tests/unit/part_rig.h"
#include "tests/unit/test.h"

static void stop_engine(void)
{
	bool stopped = false;

	fetcher_stop(rig.fetcher, rig_stopped, &stopped);
	CHECK_EQ(loop_run(rig.loop), 0);
	CHECK(stopped);
	fetcher_free(rig.fetcher);
}

/* A block costs its path and itself; the rest stays where it is. */
static void test_one_block(void)
{
	struct partial_handle *handle;
	struct part_reader r;

	make_large();
	start_large(1, TREES);
	handle = open_it();
	rig.n_started = 0;
	CHECK_EQ(want(handle, &r, 2000000, 100), PARTIAL_WAIT);
	serve_until(&r.calls);
	CHECK_EQ(r.err, 0);
	check_bytes(handle, 2000000, 100);
	CHECK_EQ(rig.n_started, 3);	/* two levels, one block */
	CHECK_EQ(want(handle, &r, 2000000, 100), 0);
	CHECK_EQ(partials_stats(part_all())->bytes, BLOCK);
	check_stored(&large, false);
	partial_close(handle);
	spin(1);
	finish_large();
}

/* Here a block is wrong: nobody sees it, and another mirror is asked. */
static void test_wrong_block_from_one_mirror(void)
{
	static const enum manner wrong[] = { WRONG_DATA, WRONG_TREE };

	for (size_t i = 0; i < 2; i++) {
		struct partial_handle *handle;
		struct part_reader r;

		make_large();
		start_large(2, TREES);
		manners[0] = wrong[i];
		handle = open_it();
		CHECK_EQ(want(handle, &r, SIZE - 1, 4096), PARTIAL_WAIT);
		serve_until(&r.calls);
		CHECK_EQ(r.err, 0);
		check_bytes(handle, SIZE - 1, 1);
		CHECK(partials_stats(part_all())->wrong >= 1);
		CHECK(mirrors_stats(rig.fetcher->mirrors, 0)
			      ->results[FETCH_RESULT_BAD_DIGEST] >= 1);
		CHECK_EQ(mirrors_stats(rig.fetcher->mirrors, 1)
				 ->results[FETCH_RESULT_BAD_DIGEST], 0);
		partial_close(handle);
		finish_large();
	}
}

/* All are wrong: EIO, and nothing is remembered once one of them is right. */
static void test_wrong_everywhere(void)
{
	static const enum manner wrong[] = { WRONG_DATA, NO_OBJECT };

	for (size_t i = 0; i < 2; i++) {
		struct partial_handle *handle;
		struct part_reader r;

		make_large();
		start_large(2, TREES);
		manners[0] = manners[1] = wrong[i];
		handle = open_it();
		CHECK_EQ(want(handle, &r, 70000, 4096), PARTIAL_WAIT);
		serve_until(&r.calls);
		CHECK_EQ(r.err, -EIO);
		manners[0] = RIGHT;
		CHECK_EQ(want(handle, &r, 70000, 4096), PARTIAL_WAIT);
		serve_until(&r.calls);
		CHECK_EQ(r.err, 0);
		check_bytes(handle, 70000, 4096);
		partial_close(handle);
		finish_large();
	}
}

/* Who needs the whole gets the rest, and no byte twice. */
static void test_the_whole_after_a_part(void)
{
	struct partial_handle *handle;
	struct part_reader p;
	struct reader r;

	make_large();
	start_large(2, TREES);
	handle = open_it();
	CHECK_EQ(want(handle, &p, 1000000, 50000), PARTIAL_WAIT);
	serve_until(&p.calls);
	ask(&r, &large, FETCH_DEMAND);
	serve_until(&r.calls);
	CHECK_EQ(r.err, 0);
	check_stored(&large, true);
	CHECK_EQ(partials_stats(part_all())->bytes,
		 (SIZE + BLOCK - 1) / BLOCK * BLOCK);
	CHECK_EQ(fetcher_stats(rig.fetcher)->objects, 1);
	/* Who had it open reads on. */
	CHECK_EQ(want(handle, &p, 0, SIZE), 0);
	check_bytes(handle, 0, SIZE);
	partial_close(handle);
	finish_large();
}

/* Readers have wanted a share of it: the rest comes by itself, and is published. */
static void test_it_fills_up(void)
{
	struct partial_handle *handle;
	struct part_reader r;

	make_large();
	start_large(1, TREES);
	handle = open_it();
	CHECK_EQ(want(handle, &r, 0, SIZE / 100), PARTIAL_WAIT);
	serve_until(&r.calls);
	serve_rest();
	check_stored(&large, false);
	CHECK_EQ(want(handle, &r, SIZE / 2, SIZE / 8), PARTIAL_WAIT);
	serve_until(&r.calls);
	/* Also when nobody has it open any more. */
	partial_close(handle);
	serve_rest();
	check_stored(&large, true);
	CHECK_EQ(fetcher_stats(rig.fetcher)->objects, 1);
	finish_large();
}

static void test_in_a_row(void)
{
	struct partial_handle *handle;
	struct part_reader r;

	make_large();
	start_large(1, TREES);
	rig.config.fill_percent = 100;
	handle = open_it();
	for (size_t at = 0; at < SIZE; at += 131072)
		if (want(handle, &r, at, 131072) == PARTIAL_WAIT)
			serve_until(&r.calls);
	check_bytes(handle, 0, SIZE);
	CHECK(partials_stats(part_all())->waits < 10);
	partial_close(handle);
	finish_large();
}

/* What was checked is here again in the next life, but for what the disk lost. */
static void test_blocks_outlive_the_engine(void)
{
	char path[256], hex[CFS_DIGEST_HEX_LEN + 1];
	struct partial_handle *handle;
	struct part_reader r;
	FILE *file;

	make_large();
	start_large(1, TREES);
	rig.config.fill_percent = 100;
	handle = open_it();
	CHECK_EQ(want(handle, &r, 0, 1 << 20), PARTIAL_WAIT);
	serve_until(&r.calls);
	stop_engine();
	cfs_digest_format(&large.digest, hex);
	snprintf(path, sizeof(path), "%s/partial/%s.data", rig.path, hex);
	file = fopen(path, "r+");
	CHECK(file);
	fseek(file, 5 * BLOCK + 17, SEEK_SET);
	fputc(large.data[5 * BLOCK + 17] ^ 1, file);
	fclose(file);
	start();
	offer_all(TREES);
	rig.n_started = 0;
	handle = open_it();
	CHECK_EQ(want(handle, &r, 6 * BLOCK, 500000), PARTIAL_WAIT);
	serve_until(&r.calls);
	CHECK_EQ(r.err, 0);
	CHECK_EQ(rig.n_started, 0);
	CHECK_EQ(partials_stats(part_all())->kept, 255);
	check_bytes(handle, 6 * BLOCK, 500000);
	CHECK_EQ(want(handle, &r, 5 * BLOCK, BLOCK), PARTIAL_WAIT);
	serve_until(&r.calls);
	CHECK_EQ(rig.n_started, 1);
	check_bytes(handle, 0, 1 << 20);
	partial_close(handle);
	finish_large();
}

/* Without trees: parts at once, read when all are here, if they are right. */
static void test_without_trees(void)
{
	struct reader r;

	make_large();
	start_large(2, "composefs-mirror 1\n");
	CHECK(!partials_readable(part_all(), &large.digest, SIZE));
	ask(&r, &large, FETCH_DEMAND);
	serve_until(&r.calls);
	CHECK_EQ(r.err, 0);
	check_stored(&large, true);
	finish_large();
}

/* Wrong together: blamed, and once more in one stream from another mirror. */
static void test_wrong_parts_without_trees(void)
{
	struct reader r;

	make_large();
	start_large(2, "composefs-mirror 1\n");
	manners[0] = WRONG_DATA;
	ask(&r, &large, FETCH_DEMAND);
	serve_until(&r.calls);
	CHECK_EQ(r.err, 0);
	check_stored(&large, true);
	CHECK(mirrors_stats(rig.fetcher->mirrors, 0)
		      ->results[FETCH_RESULT_BAD_DIGEST] >= 1);
	CHECK_EQ(mirrors_stats(rig.fetcher->mirrors, 1)
			 ->results[FETCH_RESULT_BAD_DIGEST], 0);
	finish_large();
}

static void test_without_ranges(void)
{
	struct partial_handle *handle;
	struct part_reader p;
	struct reader r;

	make_large();
	start_large(2, TREES);
	manners[0] = manners[1] = NO_RANGE;
	handle = open_it();
	CHECK_EQ(want(handle, &p, 5000, 10), PARTIAL_WAIT);
	serve_until(&p.calls);
	CHECK_EQ(p.err, 0);
	check_bytes(handle, 5000, 10);
	check_stored(&large, true);
	partial_close(handle);
	finish_large();

	make_large();
	start_large(2, TREES);
	manners[0] = manners[1] = NO_RANGE;
	ask(&r, &large, FETCH_DEMAND);
	serve_until(&r.calls);
	CHECK_EQ(r.err, 0);
	check_stored(&large, true);
	finish_large();
}

/* Drop what was fetched, and fetch it anew. */
static void fetch_again(void)
{
	char name[CFS_OBJECT_NAME_LEN + 1], path[256];
	struct reader r;

	cfs_object_name_format(&large.digest, name);
	snprintf(path, sizeof(path), "%s/objects/%s", rig.path, name);
	unlink(path);
	ask(&r, &large, FETCH_DEMAND);
	serve_until(&r.calls);
	CHECK_EQ(r.err, 0);
	check_stored(&large, true);
}

/*
 * A mirror that refused ranges of two objects is not asked for one of the next; one that
 * sent one in between is.
 */
static void test_without_ranges_is_remembered(void)
{
	uint64_t refused;

	make_large();
	start_large(1, NO_TREES);
	manners[0] = NO_RANGE;
	fetch_again();
	manners[0] = RIGHT;
	fetch_again();
	manners[0] = NO_RANGE;
	fetch_again();
	fetch_again();
	refused = mirrors_stats(rig.fetcher->mirrors, 0)
			  ->results[FETCH_RESULT_RANGE];
	CHECK_EQ(refused, 3);
	fetch_again();
	fetch_again();
	CHECK_EQ(mirrors_stats(rig.fetcher->mirrors, 0)
			 ->results[FETCH_RESULT_RANGE], refused);
	finish_large();
}

/* A server may answer each range with 500, and the whole as it should. */
static void test_ranges_that_are_500(void)
{
	make_large();
	start_large(1, NO_TREES);
	manners[0] = RANGE_IS_500;
	fetch_again();
	finish_large();
}

static void test_who_leaves_is_not_called(void)
{
	struct partial_handle *handle;
	struct part_reader p, q;
	struct reader r;

	make_large();
	start_large(1, TREES);
	handle = open_it();
	CHECK_EQ(want(handle, &p, 0, 10), PARTIAL_WAIT);
	CHECK_EQ(want(handle, &q, 2000000, 10), PARTIAL_WAIT);
	partial_leave(&p.reader);
	partial_leave(&p.reader);
	serve_until(&q.calls);
	CHECK_EQ(p.calls, 0);
	ask(&r, &large, FETCH_DEMAND);
	spin_until_gets(1);
	fetch_leave(rig.fetcher, &r.waiter);
	partial_close(handle);
	spin(5);
	CHECK_EQ(rig.n_gets, 0);
	CHECK_EQ(r.calls, 0);
	finish_large();
}

static void test_stop_tells_all(void)
{
	struct partial_handle *handle;
	struct part_reader p;
	struct reader r;

	make_large();
	start_large(1, TREES);
	handle = open_it();
	CHECK_EQ(want(handle, &p, 0, 10), PARTIAL_WAIT);
	ask(&r, &large, FETCH_DEMAND);
	spin_until_gets(1);
	(void)handle;			/* the engine's to free */
	finish_large();
	CHECK_EQ(p.calls, 1);
	CHECK_EQ(p.err, -ESHUTDOWN);
	CHECK_EQ(r.calls, 1);
	CHECK_EQ(r.err, -ESHUTDOWN);
}

static void test_deadline(void)
{
	struct partial_handle *handle;
	struct part_reader p;

	make_large();
	start_large(1, TREES);
	rig.config.deadline_ms = 30;
	handle = open_it();
	CHECK_EQ(want(handle, &p, 0, 10), PARTIAL_WAIT);
	while (!p.calls)
		spin(5);
	CHECK_EQ(p.err, -EHOSTUNREACH);
	partial_close(handle);
	finish_large();
}

RUN_TESTS(
	T(test_one_block),
	T(test_wrong_block_from_one_mirror),
	T(test_wrong_everywhere),
	T(test_the_whole_after_a_part),
	T(test_it_fills_up),
	T(test_in_a_row),
	T(test_blocks_outlive_the_engine),
	T(test_without_trees),
	T(test_wrong_parts_without_trees),
	T(test_without_ranges), T(test_without_ranges_is_remembered),
	  T(test_ranges_that_are_500),
	T(test_who_leaves_is_not_called),
	T(test_stop_tells_all),
	T(test_deadline))
