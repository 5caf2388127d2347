// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>

#include "fetcher/mount/failures.h"
#include "tests/unit/test.h"

static struct failure_key key(unsigned int i)
{
	struct failure_key ret = { .part = 0 };

	for (int n = 0; n < 4; n++)
		ret.digest.bytes[n] = i >> 8 * n;
	return ret;
}

/* Tries one key every @gap_ms for @ms; returns how often it was not remembered. */
static unsigned int hammer(struct failures *failures, struct failure_world *world,
			   int err, uint64_t ms, uint64_t gap_ms)
{
	const struct failure_key k = key(1);
	uint64_t end = world->now_ms + ms;
	unsigned int n = 0;

	for (; world->now_ms < end; world->now_ms += gap_ms) {
		int recalled = failures_recall(failures, &k, world, true);

		CHECK(recalled == 0 || recalled == err);
		if (recalled)
			continue;
		failures_note(failures, &k, world, err);
		n++;
	}
	return n;
}

static void test_a_flood_gets_through_a_few_times(void)
{
	struct failures failures = { NULL };
	struct failure_world world = { .now_ms = 1000, .room = 1 << 30 };

	/* At 0, 0+, 250, 750, 1750, 3750, and then every four seconds. */
	CHECK_EQ(hammer(&failures, &world, -EIO, 5000, 1), 6);
	CHECK_EQ(hammer(&failures, &world, -EIO, 40000, 1), 10);
	failures_deinit(&failures);
}

static void test_the_first_failure_is_not_remembered(void)
{
	struct failures failures = { NULL };
	struct failure_world world = { .now_ms = 1000 };
	struct failure_key k = key(1), other = key(1);

	CHECK_EQ(failures_recall(&failures, &k, &world, false), 0);
	failures_note(&failures, &k, &world, -EIO);
	CHECK_EQ(failures_recall(&failures, &k, &world, false), 0);
	failures_note(&failures, &k, &world, -EIO);
	CHECK_EQ(failures_recall(&failures, &k, &world, false), -EIO);
	/* Another part of it, and another object, are not known to fail. */
	other.part = 1;
	CHECK_EQ(failures_recall(&failures, &other, &world, false), 0);
	other = key(2);
	CHECK_EQ(failures_recall(&failures, &other, &world, false), 0);
	/* Long ago: begins anew. */
	world.now_ms += 100000;
	CHECK_EQ(failures_recall(&failures, &k, &world, false), 0);
	failures_note(&failures, &k, &world, -EIO);
	CHECK_EQ(failures_recall(&failures, &k, &world, false), 0);
	failures_deinit(&failures);
}

static void test_a_change_forgets(void)
{
	struct failures failures = { NULL };
	struct failure_world world = { .now_ms = 1000, .room = 5 << 20 };

	hammer(&failures, &world, -EIO, 5000, 100);
	CHECK_EQ(hammer(&failures, &world, -EIO, 100, 100), 0);
	world.changes++;
	CHECK_EQ(hammer(&failures, &world, -EIO, 100, 100), 1);
	/* More room helps against a full store only. */
	hammer(&failures, &world, -EIO, 5000, 100);
	world.room += 1 << 20;
	CHECK_EQ(hammer(&failures, &world, -EIO, 100, 100), 0);
	failures_deinit(&failures);

	hammer(&failures, &world, -ENOSPC, 5000, 100);
	CHECK_EQ(hammer(&failures, &world, -ENOSPC, 100, 100), 0);
	world.room += 4096;
	CHECK_EQ(hammer(&failures, &world, -ENOSPC, 100, 100), 0);
	world.room += 1 << 20;
	CHECK_EQ(hammer(&failures, &world, -ENOSPC, 100, 100), 1);
	failures_deinit(&failures);
}

/* Those who waited behind a deadline share it; whoever comes later gets his own. */
static void test_deadlines_are_shared_by_the_queue_only(void)
{
	struct failures failures = { NULL };
	struct failure_world world = { .now_ms = 1000 };
	struct failure_key k = key(1);

	failures_note(&failures, &k, &world, -ETIMEDOUT);
	CHECK_EQ(failures_recall(&failures, &k, &world, false), 0);
	for (int i = 0; i < 4; i++) {
		world.now_ms += 200;
		CHECK_EQ(failures_recall(&failures, &k, &world, true),
			 -ETIMEDOUT);
	}
	world.now_ms += 200;
	CHECK_EQ(failures_recall(&failures, &k, &world, true), 0);
	failures_note(&failures, &k, &world, -EHOSTUNREACH);
	world.now_ms += 250;
	CHECK_EQ(failures_recall(&failures, &k, &world, true), 0);
	failures_deinit(&failures);
}

/* However many fail: the newest are remembered, and memory has an end. */
static void test_memory_is_bounded(void)
{
	struct failures failures = { NULL };
	struct failure_world world = { .now_ms = 1000 };
	unsigned int n = 0;

	for (unsigned int i = 0; i < 300000; i++) {
		struct failure_key k = key(i);

		failures_note(&failures, &k, &world, -EIO);
		failures_note(&failures, &k, &world, -EIO);
	}
	for (unsigned int i = 0; i < 300000; i++) {
		struct failure_key k = key(i);

		n += failures_recall(&failures, &k, &world, false) == -EIO;
	}
	CHECK(n > 1000 && n <= 4096 * 4);
	failures_deinit(&failures);
}

RUN_TESTS(T(test_a_flood_gets_through_a_few_times),
	  T(test_the_first_failure_is_not_remembered),
	  T(test_a_change_forgets),
	  T(test_deadlines_are_shared_by_the_queue_only),
	  T(test_memory_is_bounded))
