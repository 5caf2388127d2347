// SPDX-License-Identifier: GPL-2.0-or-later
/* A second GET beside one that is late, driven by hand. */
#include <stdlib.h>
#include <string.h>

#include "cache/base/container_of.h"
#include "fetcher/engine/delivery.h"
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

/* Seeding waits; until a reader comes. */
static void test_no_second_one(void)
{
	struct object b = make_object(1000, 2);
	struct reader background = { 0 }, reader = { 0 };

	set_up();
	ask(&background, &b, FETCH_BACKGROUND);
	spin_until_gets(1);
	spin(300);
	CHECK_EQ(rig.n_started, 1);
	ask(&reader, &b, FETCH_DEMAND);
	spin_until_gets(2);
	free(b.data);
	teardown();
}

/* An object, a reader, and the first mirror has sent some of it and sends no more. */
static struct object dripped(struct reader *r, size_t len, size_t some)
{
	struct object o = make_object(len, 1);

	set_up();
	ask(r, &o, FETCH_DEMAND);
	spin_until_gets(1);
	send_bytes(rig.gets[0], &o, 0, some);
	spin_until_gets(2);
	CHECK_EQ(strncmp(rig.gets[1]->url, "http://mirror1/", 15), 0);
	return o;
}

/* The second one brings what is here, and then more: it is the one. */
static void test_second_catches_up(void)
{
	static const size_t some[] = { 1000, 1 << 20 };

	for (size_t i = 0; i < 2; i++) {
		struct reader r = { 0 };
		struct object o = dripped(&r, 3 << 20, some[i]);
		struct http_get *first = rig.gets[0], *second = rig.gets[1];
		uint64_t start = i ? some[i] : 0;

		CHECK_EQ(second->offset, start);
		/* Meanwhile the first one goes on. */
		send_bytes(first, &o, some[i], some[i] + 5000);
		send_bytes(second, &o, start, some[i] + 4000);
		spin(1);
		CHECK_EQ(rig.n_cancelled, 0);
		send_bytes(first, &o, some[i] + 5000, some[i] + 6000);
		send_bytes(second, &o, some[i] + 4000, some[i] + 10000);
		CHECK_EQ(first->data(first, o.data, 10), HTTP_DATA_PAUSE);
		spin(1);
		CHECK_EQ(rig.n_cancelled, 1);
		send_bytes(second, &o, some[i] + 10000, o.len);
		end_get(second, FETCH_RESULT_OK);
		CHECK_EQ(fetcher_stats(rig.fetcher)->hedges_won, 1);
		finish(&r, &o);
	}
}

/* The first one makes up for it, or the second one fails: the first one was right. */
static void test_first_wins_the_race(void)
{
	for (size_t i = 0; i < 2; i++) {
		struct reader r = { 0 };
		struct object o = dripped(&r, 100000, 1000);
		struct http_get *first = rig.gets[0];

		if (i)
			end_get(rig.gets[1], FETCH_RESULT_MISSING);
		else
			send_bytes(rig.gets[1], &o, 0, 500);
		send_bytes(first, &o, 1000, o.len);
		end_get(first, FETCH_RESULT_OK);
		CHECK_EQ(fetcher_stats(rig.fetcher)->hedges_won, 0);
		finish(&r, &o);
	}
}

/* The first one fails: what the second one brings of what is here is passed over. */
static void test_first_fails_in_a_race(void)
{
	struct reader r = { 0 };
	struct object o = dripped(&r, 100000, 50000);

	send_bytes(rig.gets[1], &o, 0, 500);
	end_get(rig.gets[0], FETCH_RESULT_SHORT);
	CHECK_EQ(rig.n_gets, 1);
	send_bytes(rig.gets[0], &o, 500, o.len);
	end_get(rig.gets[0], FETCH_RESULT_OK);
	finish(&r, &o);
}

/* Bytes of two mirrors that are wrong together are nobody's fault: once more. */
static void test_wrong_bytes_of_two(void)
{
	struct reader r = { 0 };
	struct object o = dripped(&r, 100000, 1000);

	o.data[5000] ^= 1;
	send_bytes(rig.gets[1], &o, 0, o.len);
	end_get(rig.gets[1], FETCH_RESULT_OK);
	o.data[5000] ^= 1;
	spin_until_gets(1);
	CHECK_EQ(mirrors_stats(fetcher_mirrors(rig.fetcher), 0)
			 ->results[FETCH_RESULT_BAD_DIGEST], 0);
	CHECK_EQ(mirrors_stats(fetcher_mirrors(rig.fetcher), 1)
			 ->results[FETCH_RESULT_BAD_DIGEST], 0);
	/* It was slow, so it is not asked first any more. */
	CHECK_EQ(strncmp(rig.gets[0]->url, "http://mirror1/", 15), 0);
	send_bytes(rig.gets[0], &o, 0, o.len);
	end_get(rig.gets[0], FETCH_RESULT_OK);
	finish(&r, &o);
}

/* All mirrors are slow: a few second GETs find that out, and then no more are sent. */
static void test_slow_link_of_all_mirrors(void)
{
	struct object o[40];
	struct reader r[40];

	set_up();
	rig.config.max_transfers = 64;
	for (size_t i = 0; i < 40; i++) {
		o[i] = make_object(100000, 100 + (uint32_t)i);
		ask(&r[i], &o[i], FETCH_DEMAND);
	}
	spin_until_gets(30);
	/* Each GET that there is gets a little, all the time. */
	for (size_t turn = 0; turn < 60; turn++) {
		for (size_t k = 0; k < rig.n_gets; k++)
			CHECK_EQ(rig.gets[k]->data(rig.gets[k],
						   o[0].data, 100), 0);
		spin(20);
	}
	CHECK(fetcher_stats(rig.fetcher)->hedges <= 20);
	for (size_t i = 0; i < 40; i++)
		free(o[i].data);
	teardown();
}

/* Promises everything, and keeps no promise. */
struct liar {
	struct fetch_promiser promiser;
	unsigned int n_asked;
};

static uint64_t promise(struct fetch_promiser *promiser,
			const struct cfs_digest *digest)
{
	struct liar *liar = container_of(promiser, struct liar, promiser);

	(void)digest;
	liar->n_asked++;
	return 30;
}

/* A reader waits no longer than for a GET or two; who does not read waits on. */
static void test_promise_is_not_kept(void)
{
	struct liar liar = { .promiser.comes_in_ms = promise };
	struct object a = make_object(1000, 2), b = make_object(1000, 3);
	struct reader ahead, r;
	unsigned int n_asked;

	set_up();
	fetch_promiser_add(rig.fetcher, &liar.promiser);
	ask(&ahead, &a, FETCH_PREFETCH);
	spin(300);
	CHECK(liar.n_asked >= 2);
	CHECK_EQ(rig.n_started, 0);
	ask(&r, &a, FETCH_DEMAND);
	spin_until_gets(1);
	send_bytes(rig.gets[0], &a, 0, a.len);
	end_get(rig.gets[0], FETCH_RESULT_OK);
	spin_until_sealed();
	CHECK_EQ(ahead.calls, 1);
	/* Nor is the next one kept waiting. */
	n_asked = liar.n_asked;
	ask(&r, &b, FETCH_DEMAND);
	spin_until_gets(1);
	CHECK_EQ(liar.n_asked, n_asked);
	fetch_promiser_remove(rig.fetcher, &liar.promiser);
	free(a.data);
	free(b.data);
	teardown();
}

RUN_TESTS(T(test_second_wins), T(test_first_wins), T(test_one_fails),
	  T(test_both_fail), T(test_loser_ends_by_itself), T(test_reader_leaves),
	  T(test_empty_object), T(test_no_second_one), T(test_second_catches_up),
	  T(test_first_wins_the_race), T(test_first_fails_in_a_race),
	  T(test_wrong_bytes_of_two), T(test_slow_link_of_all_mirrors),
	  T(test_promise_is_not_kept))
