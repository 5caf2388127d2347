// SPDX-License-Identifier: GPL-2.0-or-later
/* The engine when mirrors or the store fail: what is tried, what readers are told. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "fetcher/ingest/chunks.h"
#include "fetcher/mirror/mirrors.h"
#include "tests/unit/fetch_rig.h"
#include "tests/unit/test.h"

/* One wrong bit: asked once more past the caches, then given up; nothing stays. */
static void test_wrong_bytes_are_not_stored(void)
{
	static const size_t sizes[] = { 5000, 3 * CHUNK_LEN };
	size_t i;

	for (i = 0; i < 2; i++) {
		struct object o = make_object(sizes[i], 1);
		struct reader r;

		setup(1);
		start();
		ask(&r, &o, FETCH_DEMAND);
		spin_until_gets(1);
		CHECK(!rig.gets[0]->no_cache);
		o.data[o.len - 1] ^= 1;
		send_bytes(rig.gets[0], &o, 0, o.len);
		end_get(rig.gets[0], FETCH_RESULT_OK);
		spin_until_sealed();
		spin(1);
		CHECK_EQ(r.calls, 0);
		CHECK_EQ(rig.n_gets, 1);
		CHECK(rig.gets[0]->no_cache);
		send_bytes(rig.gets[0], &o, 0, o.len);
		end_get(rig.gets[0], FETCH_RESULT_OK);
		spin_until_sealed();
		spin(1);
		CHECK_EQ(r.calls, 1);
		CHECK_EQ(r.err, -EIO);
		check_stored(&o, false);
		CHECK_EQ(mirrors_stats(fetcher_mirrors(rig.fetcher), 0)
				 ->results[FETCH_RESULT_BAD_DIGEST], 2);
		free(o.data);
		teardown();
	}
}

/* A mirror that sends wrong bytes is passed over for one that does not. */
static void test_wrong_bytes_lead_to_the_next_mirror(void)
{
	struct object o = make_object(5000, 1);
	struct reader r;

	setup(2);
	start();
	ask(&r, &o, FETCH_DEMAND);
	spin_until_gets(1);
	CHECK(strncmp(rig.gets[0]->url, "http://mirror0/objects/", 23) == 0);
	o.data[0] ^= 1;
	send_bytes(rig.gets[0], &o, 0, o.len);
	o.data[0] ^= 1;
	end_get(rig.gets[0], FETCH_RESULT_OK);
	spin_until_sealed();
	spin_until_gets(1);
	CHECK(strncmp(rig.gets[0]->url, "http://mirror1/objects/", 23) == 0);
	send_bytes(rig.gets[0], &o, 0, o.len);
	end_get(rig.gets[0], FETCH_RESULT_OK);
	spin_until_sealed();
	CHECK_EQ(r.err, 0);
	CHECK_EQ(r.calls, 1);
	check_stored(&o, true);
	free(o.data);
	teardown();
}

/* How the GETs end, one after the other, and what the reader is told. */
static void test_failures(void)
{
	static const struct {
		const char *name;
		size_t n_mirrors;
		enum fetch_result results[4];
		size_t n_results;
		int err;
	} cases[] = {
		{ "404 everywhere", 2,
		  { FETCH_RESULT_MISSING, FETCH_RESULT_MISSING }, 2, -EIO },
		{ "403 and 404", 2,
		  { FETCH_RESULT_DENIED, FETCH_RESULT_MISSING }, 2, -EIO },
		{ "404 and where it may not lead", 2,
		  { FETCH_RESULT_MISSING, FETCH_RESULT_REDIRECT }, 2, -EIO },
		{ "wrong size, twice", 1,
		  { FETCH_RESULT_BAD_SIZE, FETCH_RESULT_BAD_SIZE }, 2, -EIO },
		{ "404 on one, refused by the other", 2,
		  { FETCH_RESULT_MISSING, FETCH_RESULT_UNREACHABLE }, 2,
		  -ETIMEDOUT },
		{ "nobody there", 1, { FETCH_RESULT_UNREACHABLE }, 1,
		  -EHOSTUNREACH },
		{ "no valid certificate", 1, { FETCH_RESULT_TLS }, 1,
		  -EHOSTUNREACH },
		{ "silence", 1, { FETCH_RESULT_TIMEOUT }, 1, -ETIMEDOUT },
		{ "5xx", 1, { FETCH_RESULT_STATUS }, 1, -ETIMEDOUT },
	};
	size_t i, k;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct object o = make_object(10, 1);
		struct reader r;

		fprintf(stderr, "  %s\n", cases[i].name);
		setup(cases[i].n_mirrors);
		rig.config.deadline_ms = 150;
		start();
		ask(&r, &o, FETCH_DEMAND);
		for (k = 0; r.calls == 0;) {
			spin(1);
			if (rig.n_gets)
				end_get(rig.gets[0], cases[i].results
						[k++ % cases[i].n_results]);
		}
		CHECK_EQ(rig.n_gets, 0);
		CHECK_EQ(r.calls, 1);
		CHECK_EQ(r.err, cases[i].err);
		if (r.err == -EIO)
			CHECK_EQ(rig.n_started, cases[i].n_results);
		free(o.data);
		teardown();
	}
}

/* After a pause every mirror is asked again, for as long as the deadline lets. */
static void test_rounds_repeat(void)
{
	struct object o = make_object(10, 1);
	struct reader r;
	int i;

	setup(1);
	start();
	ask(&r, &o, FETCH_DEMAND);
	for (i = 0; i < 4; i++) {
		spin_until_gets(1);
		end_get(rig.gets[0], FETCH_RESULT_STATUS);
		CHECK_EQ(r.calls, 0);
	}
	spin_until_gets(1);
	send_bytes(rig.gets[0], &o, 0, o.len);
	end_get(rig.gets[0], FETCH_RESULT_OK);
	spin_until_sealed();
	CHECK_EQ(r.err, 0);
	CHECK_EQ(r.calls, 1);
	CHECK_EQ(fetcher_stats(rig.fetcher)->retries, 4);
	free(o.data);
	teardown();
}

/* Wrong bytes for ever: hard waits, soft does not. */
static void test_hard_does_not_give_up(void)
{
	struct object o = make_object(10, 1);
	struct reader r;
	int i;

	setup(1);
	rig.config.hard = true;
	rig.config.deadline_ms = 1;
	start();
	ask(&r, &o, FETCH_DEMAND);
	for (i = 0; i < 6; i++) {
		spin_until_gets(1);
		end_get(rig.gets[0], FETCH_RESULT_BAD_SIZE);
	}
	spin(20);
	CHECK_EQ(r.calls, 0);
	fetch_leave(rig.fetcher, &r.waiter);
	spin(1);
	CHECK_EQ(fetcher_stats(rig.fetcher)->queued, 0);
	free(o.data);
	teardown();
}

/* A transfer that moves is not cut by the deadline; one that does not, is. */
static void test_deadline_spares_progress(void)
{
	struct object o = make_object(2000, 1);
	struct object o2 = make_object(2000, 2);
	struct reader moving, still;

	setup(1);
	rig.config.deadline_ms = 300;
	start();
	ask(&moving, &o, FETCH_DEMAND);
	ask(&still, &o2, FETCH_DEMAND);
	spin_until_gets(2);
	send_bytes(rig.gets[0], &o, 0, 1000);
	while (!still.calls)
		spin(5);
	CHECK_EQ(still.err, -EHOSTUNREACH);
	CHECK_EQ(still.calls, 1);
	CHECK_EQ(rig.n_cancelled, 1);
	CHECK_EQ(moving.calls, 0);
	send_bytes(rig.gets[0], &o, 1000, 2000);
	end_get(rig.gets[0], FETCH_RESULT_OK);
	spin_until_sealed();
	CHECK_EQ(moving.calls, 1);
	CHECK_EQ(moving.err, 0);
	free(o.data);
	free(o2.data);
	teardown();
}

/* When it breaks after the deadline, there is no second chance. */
static void test_late_transfer_that_breaks_fails(void)
{
	struct object o = make_object(2000, 1);
	struct reader r;

	setup(1);
	rig.config.deadline_ms = 300;
	start();
	ask(&r, &o, FETCH_DEMAND);
	spin_until_gets(1);
	send_bytes(rig.gets[0], &o, 0, 1000);
	spin(400);
	end_get(rig.gets[0], FETCH_RESULT_SHORT);
	CHECK_EQ(r.calls, 1);
	CHECK_EQ(r.err, -ETIMEDOUT);
	free(o.data);
	teardown();
}

/* A big object that breaks off goes on where it was, also at another mirror. */
static void test_rest_of_a_big_object(void)
{
	struct object o = make_object(80 * CHUNK_LEN + 5, 1);
	size_t half = 40 * CHUNK_LEN + 77;
	struct reader r;

	setup(2);
	start();
	ask(&r, &o, FETCH_DEMAND);
	spin_until_gets(1);
	send_bytes(rig.gets[0], &o, 0, half);
	end_get(rig.gets[0], FETCH_RESULT_UNREACHABLE);
	spin_until_gets(1);
	CHECK_EQ(rig.gets[0]->offset, half);
	CHECK(strncmp(rig.gets[0]->url, "http://mirror1/", 15) == 0);
	send_bytes(rig.gets[0], &o, half, o.len);
	end_get(rig.gets[0], FETCH_RESULT_OK);
	spin_until_sealed();
	CHECK_EQ(r.err, 0);
	CHECK_EQ(r.calls, 1);
	check_stored(&o, true);
	free(o.data);
	teardown();
}

/* A mirror that can't send the rest is asked for the whole. */
static void test_whole_if_not_the_rest(void)
{
	struct object o = make_object(80 * CHUNK_LEN, 1);
	struct reader r;

	setup(1);
	start();
	ask(&r, &o, FETCH_DEMAND);
	spin_until_gets(1);
	send_bytes(rig.gets[0], &o, 0, 60 * CHUNK_LEN);
	end_get(rig.gets[0], FETCH_RESULT_SHORT);
	spin_until_gets(1);
	CHECK_EQ(rig.gets[0]->offset, 60 * CHUNK_LEN);
	end_get(rig.gets[0], FETCH_RESULT_RANGE);
	spin_until_gets(1);
	CHECK_EQ(rig.gets[0]->offset, 0);
	send_bytes(rig.gets[0], &o, 0, o.len);
	end_get(rig.gets[0], FETCH_RESULT_OK);
	spin_until_sealed();
	CHECK_EQ(r.err, 0);
	check_stored(&o, true);
	free(o.data);
	teardown();
}

/* Two halves that don't fit are nobody's fault: once more, from the start. */
static void test_spliced_object_is_refused(void)
{
	struct object o = make_object(80 * CHUNK_LEN, 1);
	struct reader r;

	setup(1);
	start();
	ask(&r, &o, FETCH_DEMAND);
	spin_until_gets(1);
	o.data[5] ^= 1;
	send_bytes(rig.gets[0], &o, 0, 60 * CHUNK_LEN);
	o.data[5] ^= 1;
	end_get(rig.gets[0], FETCH_RESULT_SHORT);
	spin_until_gets(1);
	send_bytes(rig.gets[0], &o, 60 * CHUNK_LEN, o.len);
	end_get(rig.gets[0], FETCH_RESULT_OK);
	spin_until_sealed();
	spin(1);
	CHECK_EQ(r.calls, 0);
	check_stored(&o, false);
	CHECK_EQ(rig.gets[0]->offset, 0);
	CHECK_EQ(mirrors_stats(fetcher_mirrors(rig.fetcher), 0)
			 ->results[FETCH_RESULT_BAD_DIGEST], 0);
	send_bytes(rig.gets[0], &o, 0, o.len);
	end_get(rig.gets[0], FETCH_RESULT_OK);
	spin_until_sealed();
	CHECK_EQ(r.err, 0);
	check_stored(&o, true);
	free(o.data);
	teardown();
}

/* While a mirror is being left alone nobody asks it; after a probe, all may. */
static void test_probe_wakes_the_others(void)
{
	struct object o[5];
	struct reader r[5];
	size_t i;

	setup(1);
	rig.config.probe_ms = 300;
	start();
	for (i = 0; i < 5; i++) {
		o[i] = make_object(100, i);
		ask(&r[i], &o[i], FETCH_DEMAND);
	}
	spin_until_gets(5);
	while (rig.n_gets)
		end_get(rig.gets[0], FETCH_RESULT_UNREACHABLE);
	CHECK_EQ(mirrors_state(fetcher_mirrors(rig.fetcher), 0,
			       loop_now_ms(rig.loop)), MIRROR_OPEN);
	spin(50);
	CHECK_EQ(rig.n_started, 5);
	spin(400);
	CHECK_EQ(rig.n_started, 6);
	CHECK_EQ(rig.n_gets, 1);
	end_get(rig.gets[0], FETCH_RESULT_MISSING);
	spin(5);
	CHECK_EQ(rig.n_gets, 4);
	for (i = 0; i < 5; i++)
		free(o[i].data);
	teardown();
}

/* A store that can't take it says so, and the mirror is not to blame. */
static void test_store_failure_passes_through(void)
{
	static const size_t sizes[] = { 5000, 10 * CHUNK_LEN };
	struct rlimit old, limit;
	size_t i;

	signal(SIGXFSZ, SIG_IGN);
	for (i = 0; i < 2; i++) {
		struct object o = make_object(sizes[i], 1);
		struct reader r;
		size_t sent = 0;

		setup(1);
		start();
		ask(&r, &o, FETCH_DEMAND);
		spin_until_gets(1);
		CHECK_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
		limit = old;
		limit.rlim_cur = 100;
		CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
		while (sent < o.len) {
			size_t n = o.len - sent < 5000 ? o.len - sent : 5000;
			int err = rig.gets[0]->data(rig.gets[0], o.data + sent,
						    n);

			if (err < 0)
				break;
			sent += n;
			spin(1);
		}
		end_get(rig.gets[0], sent == o.len ? FETCH_RESULT_OK :
						     FETCH_RESULT_LOCAL);
		spin_until_sealed();
		CHECK_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
		CHECK_EQ(r.calls, 1);
		CHECK_EQ(r.err, -EFBIG);
		CHECK_EQ(rig.n_started, 1);
		CHECK_EQ(mirrors_state(fetcher_mirrors(rig.fetcher), 0,
				       loop_now_ms(rig.loop)), MIRROR_CLOSED);
		check_stored(&o, false);
		free(o.data);
		teardown();
	}
}

/* Without descriptors a fetch waits; no mirror is to blame, and fewer go at once. */
static void test_lack_of_descriptors(void)
{
	struct object o[3];
	struct reader r[3];
	struct mirrors *mirrors;

	setup(1);
	start();
	mirrors = fetcher_mirrors(rig.fetcher);
	for (uint32_t i = 0; i < 3; i++) {
		o[i] = make_object(5000, i);
		ask(&r[i], &o[i], FETCH_DEMAND);
	}
	spin_until_gets(3);
	while (rig.n_gets)
		end_get(rig.gets[0], FETCH_RESULT_DESCRIPTORS);
	spin(20);
	CHECK_EQ(rig.n_gets, 0);
	CHECK_EQ(mirrors_state(mirrors, 0, loop_now_ms(rig.loop)),
		 MIRROR_CLOSED);
	spin_until_gets(1);
	spin(150);
	CHECK_EQ(rig.n_gets, 1);	/* one at a time */
	for (int i = 0; i < 3; i++) {
		struct object *which = NULL;
		char name[CFS_OBJECT_NAME_LEN + 1];

		spin_until_gets(1);
		for (int j = 0; j < 3; j++) {
			cfs_object_name_format(&o[j].digest, name);
			if (strstr(rig.gets[0]->url, name))
				which = &o[j];
		}
		CHECK(which);
		send_bytes(rig.gets[0], which, 0, which->len);
		end_get(rig.gets[0], FETCH_RESULT_OK);
		spin_until_sealed();
	}
	spin(1);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(r[i].calls, 1);
		CHECK_EQ(r[i].err, 0);
		check_stored(&o[i], true);
		free(o[i].data);
	}
	teardown();
}

/* But not beyond the deadline. */
static void test_lack_of_descriptors_ends(void)
{
	struct object o = make_object(5000, 1);
	struct reader r;

	setup(1);
	rig.config.deadline_ms = 150;
	start();
	ask(&r, &o, FETCH_DEMAND);
	for (int i = 0; i < 2000 && !r.calls; i++) {
		while (rig.n_gets)
			end_get(rig.gets[0], FETCH_RESULT_DESCRIPTORS);
		spin(1);
	}
	CHECK_EQ(r.calls, 1);
	CHECK_EQ(r.err, -EHOSTUNREACH);
	free(o.data);
	teardown();
}

RUN_TESTS(T(test_wrong_bytes_are_not_stored),
	  T(test_wrong_bytes_lead_to_the_next_mirror), T(test_failures),
	  T(test_rounds_repeat), T(test_hard_does_not_give_up),
	  T(test_deadline_spares_progress),
	  T(test_late_transfer_that_breaks_fails),
	  T(test_rest_of_a_big_object), T(test_whole_if_not_the_rest),
	  T(test_spliced_object_is_refused), T(test_probe_wakes_the_others),
	  T(test_store_failure_passes_through),
	  T(test_lack_of_descriptors), T(test_lack_of_descriptors_ends))
