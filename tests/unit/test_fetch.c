// SPDX-License-Identifier: GPL-2.0-or-later
/* The engine when all goes well: who is served, in which order, and how often. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/container_of.h"
#include "cache/verity/hash.h"
#include "fetcher/ingest/chunks.h"
#include "fetcher/engine/state.h"
#include "tests/unit/fetch_rig.h"
#include "tests/unit/test.h"

/* Small objects whose bytes are their number. */
static struct cfs_digest numbered(uint32_t i)
{
	struct cfs_digest digest;

	CHECK_EQ(cfs_verity_hash_buffer(&i, sizeof(i), &digest), 0);
	return digest;
}

/* The diagram of fetch.h, arrow by arrow. */
static void test_transitions(void)
{
	static const struct {
		enum fetch_state from;
		enum fetch_input input;
		enum fetch_state to;
	} arrows[] = {
		{ FETCH_QUEUED, FETCH_STARTED, FETCH_TRANSFER },
		{ FETCH_QUEUED, FETCH_EXISTS, FETCH_DONE },
		{ FETCH_QUEUED, FETCH_NOBODY, FETCH_BACKOFF },
		{ FETCH_QUEUED, FETCH_GIVEN_UP, FETCH_FAILED },
		{ FETCH_TRANSFER, FETCH_ALL_BYTES, FETCH_SEALING },
		{ FETCH_TRANSFER, FETCH_GET_FAILED, FETCH_QUEUED },
		{ FETCH_TRANSFER, FETCH_GIVEN_UP, FETCH_FAILED },
		{ FETCH_SEALING, FETCH_PUBLISHED, FETCH_DONE },
		{ FETCH_SEALING, FETCH_WRONG_BYTES, FETCH_QUEUED },
		{ FETCH_SEALING, FETCH_NO_ROOM, FETCH_QUEUED },
		{ FETCH_SEALING, FETCH_GIVEN_UP, FETCH_FAILED },
		{ FETCH_BACKOFF, FETCH_WOKEN, FETCH_QUEUED },
		{ FETCH_BACKOFF, FETCH_GIVEN_UP, FETCH_FAILED },
	};
	size_t i;

	for (i = 0; i < sizeof(arrows) / sizeof(arrows[0]); i++)
		CHECK_EQ(fetch_next_state(arrows[i].from, arrows[i].input),
			 arrows[i].to);
}

/* Sizes around what a block, a chunk and many chunks hold. */
static void test_object_arrives(void)
{
	static const size_t sizes[] = {
		0, 1, 4096, CHUNK_LEN - 1, CHUNK_LEN, CHUNK_LEN + 1,
		2 * CHUNK_LEN, 50 * CHUNK_LEN + 123,
	};
	size_t i;

	setup(1);
	start();
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct object o = make_object(sizes[i], i);
		struct reader r;

		fprintf(stderr, "  %zu bytes\n", sizes[i]);
		ask(&r, &o, FETCH_DEMAND);
		spin_until_gets(1);
		CHECK_EQ(rig.gets[0]->size, o.len);
		send_bytes(rig.gets[0], &o, 0, o.len);
		end_get(rig.gets[0], FETCH_RESULT_OK);
		CHECK_EQ(r.calls, 0);
		spin_until_sealed();
		CHECK_EQ(r.calls, 1);
		CHECK_EQ(r.err, 0);
		check_stored(&o, true);
		free(o.data);
	}
	CHECK_EQ(fetcher_stats(rig.fetcher)->objects, i);
	CHECK_EQ(rig.n_final, i);
	teardown();
}

/* What the store has is not fetched. */
static void test_known_object_needs_no_get(void)
{
	struct object o = make_object(100, 1);
	struct reader r;

	setup(1);
	start();
	ask(&r, &o, FETCH_DEMAND);
	spin_until_gets(1);
	send_bytes(rig.gets[0], &o, 0, o.len);
	end_get(rig.gets[0], FETCH_RESULT_OK);
	spin_until_sealed();
	ask(&r, &o, FETCH_DEMAND);
	spin(1);
	CHECK_EQ(r.calls, 1);
	CHECK_EQ(r.err, 0);
	CHECK_EQ(rig.n_started, 1);
	free(o.data);
	teardown();
}

/* However many wait, there is one GET, and each is called once. */
static void test_many_waiters_one_get(void)
{
	static struct reader readers[10000];
	struct object o = make_object(100, 1);
	size_t i;

	setup(1);
	start();
	for (i = 0; i < 5000; i++)
		ask(&readers[i], &o, FETCH_DEMAND);
	spin(1);
	for (; i < 10000; i++)
		ask(&readers[i], &o, FETCH_DEMAND);
	spin(1);
	CHECK_EQ(rig.n_started, 1);
	CHECK_EQ(fetcher_stats(rig.fetcher)->waiters, 10000);
	fetch_leave(rig.fetcher, &readers[7].waiter);
	send_bytes(rig.gets[0], &o, 0, o.len);
	end_get(rig.gets[0], FETCH_RESULT_OK);
	spin_until_sealed();
	for (i = 0; i < 10000; i++) {
		CHECK_EQ(readers[i].calls, i == 7 ? 0 : 1);
		CHECK_EQ(readers[i].err, 0);
	}
	CHECK_EQ(rig.n_started, 1);
	free(o.data);
	teardown();
}

/* Many at once: a bounded number of GETs, and all of them are answered. */
static void test_many_objects(void)
{
	enum { N = 3000 };
	static struct reader readers[N];
	static struct cfs_digest digests[N];
	size_t i, served = 0;

	setup(1);
	start();
	for (i = 0; i < N; i++) {
		digests[i] = numbered(i);
		readers[i] = (struct reader){ .waiter.done = read_done };
		CHECK_EQ(fetch_object(rig.fetcher, &digests[i], 4, FETCH_DEMAND,
				      &readers[i].waiter), 0);
	}
	while (served < N) {
		spin_until_gets(1);
		while (rig.n_gets) {
			/* First come, first served. */
			uint32_t number = served++;

			while (rig.gets[0]->data(rig.gets[0], &number, 4) != 0)
				spin(1);
			end_get(rig.gets[0], FETCH_RESULT_OK);
		}
	}
	spin_until_sealed();
	for (i = 0; i < N; i++) {
		CHECK_EQ(readers[i].calls, 1);
		CHECK_EQ(readers[i].err, 0);
	}
	CHECK_EQ(rig.n_started, N);
	CHECK(rig.most_gets <= rig.config.max_transfers);
	teardown();
}

/* What is read now goes before what may be read some time. */
static void test_demand_goes_first(void)
{
	static const size_t order[] = { 0, 3, 2, 1 };
	struct object o[4];
	struct reader r[4], again;
	size_t i;

	setup(1);
	rig.config.max_transfers = 1;
	start();
	for (i = 0; i < 4; i++)
		o[i] = make_object(100 + i, i);
	ask(&r[0], &o[0], FETCH_BACKGROUND);
	spin(1);
	ask(&r[1], &o[1], FETCH_BACKGROUND);
	ask(&r[2], &o[2], FETCH_BACKGROUND);
	ask(&r[3], &o[3], FETCH_DEMAND);
	/* Somebody reads what was only to be seeded. */
	ask(&again, &o[2], FETCH_DEMAND);
	for (i = 0; i < 4; i++) {
		while (!rig.n_gets)
			spin_until_gets(1);
		CHECK_EQ(rig.gets[0]->size, o[order[i]].len);
		send_bytes(rig.gets[0], &o[order[i]], 0, o[order[i]].len);
		end_get(rig.gets[0], FETCH_RESULT_OK);
	}
	spin_until_sealed();
	for (i = 0; i < 4; i++)
		free(o[i].data);
	teardown();
}

/* Memory for bytes is bounded: who gets none waits, and is called again. */
static void test_full_buffers_pause(void)
{
	struct object o = make_object(400 * CHUNK_LEN, 1);
	struct reader r;
	size_t sent = 0;

	setup(1);
	start();
	ask(&r, &o, FETCH_DEMAND);
	spin_until_gets(1);
	/* The loop does not run meanwhile, so nothing comes back. */
	while (rig.gets[0]->data(rig.gets[0], o.data + sent, CHUNK_LEN) == 0)
		sent += CHUNK_LEN;
	CHECK(sent < 100 * CHUNK_LEN);
	CHECK_EQ(rig.n_resumed, 0);
	while (!rig.n_resumed)
		spin(1);
	send_bytes(rig.gets[0], &o, sent, o.len);
	end_get(rig.gets[0], FETCH_RESULT_OK);
	spin_until_sealed();
	CHECK_EQ(r.err, 0);
	check_stored(&o, true);
	free(o.data);
	teardown();
}

/* The last waiter ends a transfer, but not what is being sealed. */
static void test_last_waiter_cancels(void)
{
	struct object o = make_object(3 * CHUNK_LEN, 1);
	struct reader a, b;

	setup(1);
	start();
	ask(&a, &o, FETCH_DEMAND);
	ask(&b, &o, FETCH_BACKGROUND);
	spin_until_gets(1);
	send_bytes(rig.gets[0], &o, 0, 2 * CHUNK_LEN);
	fetch_leave(rig.fetcher, &a.waiter);
	CHECK_EQ(rig.n_gets, 1);
	fetch_leave(rig.fetcher, &b.waiter);
	fetch_leave(rig.fetcher, &b.waiter);
	CHECK_EQ(rig.n_gets, 0);
	CHECK_EQ(rig.n_cancelled, 1);
	spin(20);
	check_stored(&o, false);

	ask(&a, &o, FETCH_DEMAND);
	spin_until_gets(1);
	send_bytes(rig.gets[0], &o, 0, o.len);
	end_get(rig.gets[0], FETCH_RESULT_OK);
	fetch_leave(rig.fetcher, &a.waiter);
	spin_until_sealed();
	check_stored(&o, true);
	CHECK_EQ(a.calls, 0);
	CHECK_EQ(b.calls, 0);
	free(o.data);
	teardown();
}

/* A waiter that takes another one along when it is told. */
struct leaver {
	struct fetch_waiter waiter;
	struct fetch_waiter *other;
	int calls;
};

static void leaver_done(struct fetch_waiter *waiter, int err)
{
	struct leaver *leaver = container_of(waiter, struct leaver, waiter);

	CHECK_EQ(err, 0);
	leaver->calls++;
	fetch_leave(rig.fetcher, leaver->other);
}

/* The other one was about to be told next, and was the last. */
static void test_one_who_is_told_ends_the_wait_of_another(void)
{
	struct object o = make_object(1000, 1);
	struct leaver a, b;

	setup(1);
	start();
	a = (struct leaver){ { .done = leaver_done }, &b.waiter, 0 };
	b = (struct leaver){ { .done = leaver_done }, &a.waiter, 0 };
	CHECK_EQ(fetch_object(rig.fetcher, &o.digest, o.len, FETCH_DEMAND,
			      &a.waiter), 0);
	CHECK_EQ(fetch_object(rig.fetcher, &o.digest, o.len, FETCH_DEMAND,
			      &b.waiter), 0);
	spin_until_gets(1);
	send_bytes(rig.gets[0], &o, 0, o.len);
	end_get(rig.gets[0], FETCH_RESULT_OK);
	spin_until_sealed();
	CHECK_EQ(a.calls + b.calls, 1);
	CHECK_EQ(fetcher_stats(rig.fetcher)->cancelled, 0);
	free(o.data);
	teardown();
}

/* What was being hashed when it ended turns out to be wrong. */
static void test_wrong_bytes_while_stopping(void)
{
	struct object o = make_object(1000, 1), other = make_object(1000, 2);
	bool stopped = false;
	struct reader r;

	setup(1);
	start();
	ask(&r, &o, FETCH_DEMAND);
	spin_until_gets(1);
	send_bytes(rig.gets[0], &other, 0, other.len);
	end_get(rig.gets[0], FETCH_RESULT_OK);
	fetcher_stop(rig.fetcher, rig_stopped, &stopped);
	while (!stopped)
		CHECK_EQ(loop_run(rig.loop), 0);
	CHECK_EQ(r.calls, 1);
	CHECK_EQ(r.err, -ESHUTDOWN);
	free(o.data);
	free(other.data);
	teardown();
}

/* Whoever waits when it ends is told, wherever the fetch is. */
static void test_stopping_answers_everybody(void)
{
	struct object o[12];
	struct reader r[12], late;
	size_t i;

	setup(1);
	start();
	for (i = 0; i < 12; i++) {
		o[i] = make_object(CHUNK_LEN * 2, i);
		ask(&r[i], &o[i], FETCH_DEMAND);
	}
	spin_until_gets(8);
	send_bytes(rig.gets[0], &o[0], 0, o[0].len);
	end_get(rig.gets[0], FETCH_RESULT_OK);
	send_bytes(rig.gets[0], &o[1], 0, CHUNK_LEN + 5);
	end_get(rig.gets[1], FETCH_RESULT_STATUS);
	spin(1);
	{
		struct fetcher *fetcher = rig.fetcher;
		bool stopped = false;

		fetcher_stop(fetcher, rig_stopped, &stopped);
		late.waiter.done = read_done;
		CHECK_EQ(fetch_object(fetcher, &o[0].digest, 1, FETCH_DEMAND,
				      &late.waiter), -ESHUTDOWN);
		while (!stopped)
			CHECK_EQ(loop_run(rig.loop), 0);
	}
	CHECK_EQ(r[0].err, 0);
	check_stored(&o[0], true);
	for (i = 0; i < 12; i++) {
		CHECK_EQ(r[i].calls, 1);
		if (i)
			CHECK_EQ(r[i].err, -ESHUTDOWN);
		free(o[i].data);
	}
	teardown();
}

RUN_TESTS(T(test_transitions), T(test_object_arrives),
	  T(test_known_object_needs_no_get), T(test_many_waiters_one_get),
	  T(test_many_objects), T(test_demand_goes_first),
	  T(test_full_buffers_pause), T(test_last_waiter_cancels),
	  T(test_one_who_is_told_ends_the_wait_of_another),
	  T(test_wrong_bytes_while_stopping), T(test_stopping_answers_everybody))
