// SPDX-License-Identifier: GPL-2.0-or-later
/* Prefetch and completing, on a transport that the test drives by hand. */
#include "fetcher/prefetch/prefetch.h"

#include <stdlib.h>

#include "fetcher/allow/list.h"
#include "fetcher/prefetch/complete.h"
#include "tests/unit/fetch_rig.h"
#include "tests/unit/test.h"

#define N_OBJECTS	20

static struct object objects[N_OBJECTS];
static struct allow_list *allow;
static struct prefetch *prefetch;
static int n_idle;

static void count_idle(void *context)
{
	(void)context;
	n_idle++;
}

/* All objects but the last are named by image 0, the last by image 1. */
static void begin(void)
{
	setup(1);
	rig.config.max_transfers = 8;
	rig.config.max_ahead = 6;
	rig.config.max_beside_demand = 2;
	start();
	CHECK_EQ(allow_list_new(&allow), 0);
	for (uint32_t i = 0; i < N_OBJECTS; i++) {
		objects[i] = make_object(1000 + i, i);
		CHECK_EQ(allow_list_add(allow, &objects[i].digest,
					objects[i].len, i == N_OBJECTS - 1,
					NULL), 0);
	}
	n_idle = 0;
	CHECK_EQ(prefetch_new(rig.loop, rig.fetcher, allow, count_idle, NULL,
			      &prefetch), 0);
}

static void end(void)
{
	teardown();
	allow_list_free(allow);
	for (size_t i = 0; i < N_OBJECTS; i++)
		free(objects[i].data);
}

static const struct object *object_of(const struct http_get *get)
{
	for (size_t i = 0; i < N_OBJECTS; i++)
		if (objects[i].len == get->size)
			return &objects[i];
	abort();
}

static void serve(struct http_get *get)
{
	const struct object *o = object_of(get);

	send_bytes(get, o, 0, o->len);
	end_get(get, FETCH_RESULT_OK);
}

static void serve_all(void)
{
	for (int i = 0; i < 100 && fetcher_stats(rig.fetcher)->queued +
					   rig.n_gets > 0; i++) {
		while (rig.n_gets)
			serve(rig.gets[0]);
		spin_until_sealed();
		spin(2);
	}
}

/* In order, no more at a time than may be, each once, and idle at the end. */
static void test_in_order_and_bounded(void)
{
	begin();
	for (size_t i = 0; i < N_OBJECTS - 1; i++)
		CHECK_EQ(prefetch_want(prefetch, &objects[i].digest, 1), 0);
	CHECK_EQ(prefetch_want(prefetch, &objects[3].digest, 1),
		 PREFETCH_REPEATED);
	spin_until_gets(6);
	spin(5);
	CHECK_EQ(rig.n_gets, 6);
	for (size_t i = 0; i < 6; i++)
		CHECK(object_of(rig.gets[i]) == &objects[i]);
	serve_all();
	CHECK_EQ(rig.most_gets, 6);
	CHECK_EQ(rig.n_started, N_OBJECTS - 1);
	CHECK(prefetch_is_idle(prefetch));
	CHECK(n_idle > 0);
	CHECK_EQ(prefetch_stats(prefetch)->failed, 0);
	check_stored(&objects[N_OBJECTS - 2], true);
	prefetch_free(prefetch);
	end();
}

/* A reader gets a GET at once; while he waits few others begin. */
static void test_readers_go_first(void)
{
	struct reader r;

	begin();
	for (size_t i = 0; i < N_OBJECTS - 2; i++)
		CHECK_EQ(prefetch_want(prefetch, &objects[i].digest, 1), 0);
	spin_until_gets(6);
	ask(&r, &objects[N_OBJECTS - 2], FETCH_DEMAND);
	spin_until_gets(7);
	CHECK(object_of(rig.gets[6]) == &objects[N_OBJECTS - 2]);
	/* Five of those under way end: two may be beside the reader's. */
	for (int i = 0; i < 5; i++)
		serve(rig.gets[0]);
	spin_until_sealed();
	spin(5);
	CHECK_EQ(rig.n_gets, 3);
	serve(rig.gets[0]->size == objects[N_OBJECTS - 2].len ? rig.gets[0] :
	      rig.gets[1]->size == objects[N_OBJECTS - 2].len ? rig.gets[1] :
							       rig.gets[2]);
	spin_until_sealed();
	CHECK_EQ(r.calls, 1);
	spin_until_gets(6);
	serve_all();
	prefetch_free(prefetch);
	end();
}

/* What is listed and asked for is one GET, and goes before the rest of the list. */
static void test_asked_for_is_moved_to_the_front(void)
{
	struct reader r;

	begin();
	for (size_t i = 0; i < N_OBJECTS - 1; i++)
		CHECK_EQ(prefetch_want(prefetch, &objects[i].digest, 1), 0);
	spin_until_gets(6);
	ask(&r, &objects[15], FETCH_DEMAND);
	spin_until_gets(7);
	CHECK(object_of(rig.gets[6]) == &objects[15]);
	serve(rig.gets[6]);
	spin_until_sealed();
	CHECK_EQ(r.calls, 1);
	CHECK_EQ(r.err, 0);
	serve_all();
	CHECK_EQ(rig.n_started, N_OBJECTS - 1);
	prefetch_free(prefetch);
	end();
}

/* A profile of one image can't have another's object fetched, or anybody's. */
static void test_only_what_the_image_names(void)
{
	struct cfs_digest unknown = { { 1, 2, 3 } };

	begin();
	CHECK_EQ(prefetch_want(prefetch, &unknown, 1), PREFETCH_STRANGE);
	CHECK_EQ(prefetch_want(prefetch, &objects[N_OBJECTS - 1].digest, 1),
		 PREFETCH_STRANGE);
	CHECK_EQ(prefetch_want(prefetch, &objects[0].digest, 2),
		 PREFETCH_STRANGE);
	spin(5);
	CHECK_EQ(rig.n_started, 0);
	CHECK_EQ(prefetch_stats(prefetch)->strange, 3);
	prefetch_free(prefetch);
	end();
}

static void count_fetched(void *context, const struct fetch_event *event)
{
	(void)context;
	if (event->final && !event->err)
		prefetch_event(prefetch, event);
}

/* What the store has by then, and what came in another way, is told apart. */
static void test_what_came_is_counted(void)
{
	struct fetch_event delivered = { .kind = FETCH_PREFETCH, .size = 5 };
	struct cfs_digest other = { { 7 } };

	begin();
	fetcher_free(rig.fetcher);
	CHECK_EQ(fetcher_new(rig.loop, rig.store, &rig.config, count_fetched,
			     NULL, &rig.fetcher), 0);
	prefetch_free(prefetch);
	CHECK_EQ(prefetch_new(rig.loop, rig.fetcher, allow, NULL, NULL,
			      &prefetch), 0);
	delivered.digest = &other;
	prefetch_event(prefetch, &delivered);
	rig_use_transport();
	for (int pass = 0; pass < 2; pass++) {
		CHECK_EQ(prefetch_want(prefetch, &objects[pass].digest, 1), 0);
		spin_until_gets(1);
		serve_all();
	}
	CHECK_EQ(prefetch_stats(prefetch)->fetched, 3);
	CHECK_EQ(prefetch_stats(prefetch)->present, 0);
	prefetch_free(prefetch);
	CHECK_EQ(prefetch_new(rig.loop, rig.fetcher, allow, NULL, NULL,
			      &prefetch), 0);
	allow_list_find(allow, &objects[0].digest)->wanted = 0;
	CHECK_EQ(prefetch_want(prefetch, &objects[0].digest, 1), 0);
	spin(5);
	CHECK_EQ(prefetch_stats(prefetch)->present, 1);
	prefetch_free(prefetch);
	end();
}

/* A failed object is no reason to stop. */
static void test_failures_are_counted(void)
{
	begin();
	for (size_t i = 0; i < 3; i++)
		CHECK_EQ(prefetch_want(prefetch, &objects[i].digest, 1), 0);
	spin_until_gets(3);
	end_get(rig.gets[1], FETCH_RESULT_MISSING);
	serve_all();
	CHECK(prefetch_is_idle(prefetch));
	CHECK_EQ(prefetch_stats(prefetch)->failed, 1);
	check_stored(&objects[2], true);
	prefetch_free(prefetch);
	end();
}

/* All that is missing is fetched; what fails leaves it incomplete. */
static void test_complete(void)
{
	const struct allow_count *total;
	struct complete *complete;

	begin();
	total = allow_list_total(allow);
	CHECK_EQ(complete_new(rig.loop, rig.fetcher, allow, 0, &complete), 0);
	allow_list_note_present(allow, &objects[4].digest);
	CHECK_EQ(complete_state(complete), COMPLETE_LAZY);
	complete_go(complete);
	CHECK_EQ(complete_state(complete), COMPLETE_RUNNING);
	spin_until_gets(6);
	end_get(rig.gets[0], FETCH_RESULT_MISSING);
	serve_all();
	CHECK_EQ(complete_state(complete), COMPLETE_PAUSED);
	CHECK_EQ(complete_failed(complete), 1);
	CHECK_EQ(total->present_objects, N_OBJECTS - 1);
	complete_free(complete);

	allow_list_note_present(allow, &objects[0].digest);
	CHECK_EQ(complete_new(rig.loop, rig.fetcher, allow, 0, &complete), 0);
	complete_go(complete);
	CHECK_EQ(complete_state(complete), COMPLETE_DONE);
	CHECK_EQ(rig.n_started, N_OBJECTS - 1);
	complete_free(complete);
	prefetch_free(prefetch);
	end();
}

/* One byte a second: one object may be asked for, then none for long. */
static void test_completing_keeps_to_its_rate(void)
{
	struct complete *complete;

	begin();
	CHECK_EQ(complete_new(rig.loop, rig.fetcher, allow, 1, &complete), 0);
	complete_go(complete);
	spin_until_gets(1);
	serve(rig.gets[0]);
	spin_until_sealed();
	spin(300);
	CHECK_EQ(rig.n_started, 1);
	CHECK_EQ(complete_state(complete), COMPLETE_RUNNING);
	complete_free(complete);
	prefetch_free(prefetch);
	end();
}

RUN_TESTS(T(test_in_order_and_bounded), T(test_readers_go_first),
	  T(test_asked_for_is_moved_to_the_front),
	  T(test_only_what_the_image_names), T(test_what_came_is_counted),
	  T(test_failures_are_counted),
	  T(test_complete), T(test_completing_keeps_to_its_rate))
