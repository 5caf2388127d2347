// SPDX-License-Identifier: GPL-2.0-or-later
/* A second GET beside one that is late, driven by hand. */
#include <stdlib.h>
#include <string.h>

#include "fetcher/engine/internal.h"
#include "fetcher/mirror/mirrors.h"
#include "tests/unit/fetch_rig.h"
#include "tests/unit/test.h"

/* Two mirrors; the first is known to answer quickly. */
static void set_up(void)
{
	struct object warm = make_object(100, 99);
	struct reader r;

	setup(2);
	rig.config.no_hedge = false;
	start();
	ask(&r, &warm, FETCH_DEMAND);
	spin_until_gets(1);
	send_bytes(rig.gets[0], &warm, 0, warm.len);
	end_get(rig.gets[0], FETCH_RESULT_OK);
	spin_until_sealed();
	free(warm.data);
	rig.n_started = 0;
	rig.n_cancelled = 0;
}

/* An object, a reader, and both GETs are out. */
static struct object late(struct reader *r, size_t len)
{
	struct object o = make_object(len, 1);

	set_up();
	ask(r, &o, FETCH_DEMAND);
	spin_until_gets(1);
	CHECK_EQ(strncmp(rig.gets[0]->url, "http://mirror0/", 15), 0);
	spin_until_gets(2);
	CHECK_EQ(strncmp(rig.gets[1]->url, "http://mirror1/", 15), 0);
	CHECK_EQ(fetcher_stats(rig.fetcher)->hedges, 1);
	return o;
}

static void finish(struct reader *r, struct object *o)
{
	spin_until_sealed();
	CHECK_EQ(r->calls, 1);
	CHECK_EQ(r->err, 0);
	check_stored(o, true);
	free(o->data);
	teardown();
}

/* The second one answers: the first is cancelled, what it sends is refused. */
static void test_second_wins(void)
{
	struct reader r = { 0 };
	struct object o = late(&r, 100000);
	struct http_get *first = rig.gets[0], *second = rig.gets[1];

	send_bytes(second, &o, 0, 1000);
	CHECK_EQ(first->data(first, o.data, 10), HTTP_DATA_PAUSE);
	spin(1);
	CHECK_EQ(rig.n_cancelled, 1);
	CHECK(rig.gets[0] == second);
	send_bytes(second, &o, 1000, o.len);
	end_get(second, FETCH_RESULT_OK);
	finish(&r, &o);
}

/* The first one answers after all. */
static void test_first_wins(void)
{
	struct reader r = { 0 };
	struct object o = late(&r, 100000);
	struct http_get *first = rig.gets[0];

	send_bytes(first, &o, 0, o.len);
	end_get(first, FETCH_RESULT_OK);
	CHECK_EQ(rig.n_cancelled, 1);
	CHECK_EQ(fetcher_stats(rig.fetcher)->hedges_won, 0);
	finish(&r, &o);
}

/* One of the two fails: the other goes on, whichever it is. */
static void test_one_fails(void)
{
	size_t i;

	for (i = 0; i < 2; i++) {
		struct reader r = { 0 };
		struct object o = late(&r, 5000);
		struct http_get *other = rig.gets[1 - i];

		end_get(rig.gets[i], FETCH_RESULT_TIMEOUT);
		CHECK_EQ(r.calls, 0);
		send_bytes(other, &o, 0, o.len);
		end_get(other, FETCH_RESULT_OK);
		CHECK_EQ(rig.n_cancelled, 0);
		finish(&r, &o);
	}
}

/* Both fail: that was the round; the next one asks again. */
static void test_both_fail(void)
{
	struct reader r = { 0 };
	struct object o = late(&r, 5000);

	end_get(rig.gets[0], FETCH_RESULT_SHORT);
	end_get(rig.gets[0], FETCH_RESULT_STATUS);
	spin_until_gets(1);
	CHECK_EQ(rig.n_started, 3);
	send_bytes(rig.gets[0], &o, 0, o.len);
	end_get(rig.gets[0], FETCH_RESULT_OK);
	finish(&r, &o);
}

/* The loser ends by itself before it is cancelled. */
static void test_loser_ends_by_itself(void)
{
	struct reader r = { 0 };
	struct object o = late(&r, 5000);
	struct http_get *first = rig.gets[0], *second = rig.gets[1];

	send_bytes(second, &o, 0, 1000);
	end_get(first, FETCH_RESULT_UNREACHABLE);
	spin(1);
	CHECK_EQ(rig.n_cancelled, 0);
	send_bytes(second, &o, 1000, o.len);
	end_get(second, FETCH_RESULT_OK);
	finish(&r, &o);
}

/* Nobody waits any more: both are cancelled, and no mirror counts a request. */
static void test_reader_leaves(void)
{
	struct reader r = { 0 };
	struct object o = late(&r, 5000);
	struct mirrors *mirrors = fetcher_mirrors(rig.fetcher);

	fetch_leave(rig.fetcher, &r.waiter);
	CHECK_EQ(rig.n_cancelled, 2);
	CHECK_EQ(mirrors_stats(mirrors, 0)->in_flight, 0);
	CHECK_EQ(mirrors_stats(mirrors, 1)->in_flight, 0);
	check_stored(&o, false);
	free(o.data);
	teardown();
}

/* An object without bytes has no first byte to win by. */
static void test_empty_object(void)
{
	struct reader r = { 0 };
	struct object o = late(&r, 0);

	end_get(rig.gets[1], FETCH_RESULT_OK);
	CHECK_EQ(rig.n_cancelled, 1);
	finish(&r, &o);
}

/* Once bytes have come, lateness is the stall limit's business; and seeding waits. */
static void test_no_second_one(void)
{
	struct reader r = { 0 };
	struct object o = make_object(100000, 1), b = make_object(1000, 2);
	struct reader background = { 0 }, reader = { 0 };

	set_up();
	ask(&r, &o, FETCH_DEMAND);
	ask(&background, &b, FETCH_BACKGROUND);
	spin_until_gets(2);
	send_bytes(rig.gets[0], &o, 0, 1000);
	spin(300);
	CHECK_EQ(rig.n_started, 2);
	/* Until somebody reads it. */
	ask(&reader, &b, FETCH_DEMAND);
	spin_until_gets(3);
	free(o.data);
	free(b.data);
	teardown();
}

RUN_TESTS(T(test_second_wins), T(test_first_wins), T(test_one_fails),
	  T(test_both_fail), T(test_loser_ends_by_itself), T(test_reader_leaves),
	  T(test_empty_object), T(test_no_second_one))
