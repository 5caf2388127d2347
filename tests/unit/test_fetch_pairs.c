// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One object on its way in every manner there is, and everything that can happen to it
 * there: each pair, for a fetch that nobody reads and for one that a reader has joined.
 * After each step all fetches are sound, and each waiter is called exactly once.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zstd.h>

#include "cache/base/container_of.h"
#include "cache/store/lock.h"
#include "fetcher/engine/internal.h"
#include "fetcher/mirror/mirrors.h"
#include "tests/unit/large_rig.h"
#include "tests/unit/test.h"

#define DEADLINE_MS	100
#define SOME		100000

/* How the object is on its way. */
enum way {
	QUEUED,			/* behind another one */
	STREAM,			/* the GET is out */
	STREAM_SOME,		/* some bytes of it have come */
	RESUMED,		/* the rest was asked for */
	KEPT,			/* broken off; the rest is asked for later */
	ZST,			/* compressed */
	HEDGED,			/* from two mirrors */
	PARTS,			/* in parts, without a tree */
	PARTS_TREE,
	PARTS_SOME,		/* some of them are here */
	PAUSED,			/* all mirrors have failed */
	PARKED,			/* until a probe has ended */
	NO_ROOM,
	PROMISED,		/* it comes without a GET */
	SEALING,		/* all bytes are here */
	N_WAYS,
};

enum event {
	NOTHING,
	JOINED,			/* by one who does not read it, either */
	READ,			/* by a reader */
	ONE_LEAVES,
	ALL_LEAVE,
	LATE,			/* the deadline passes, and nothing comes */
	STOPPED,
	MIRRORS_FAIL,
	MIRRORS_LACK,		/* once, and then they have it */
	WRONG_BYTES,		/* once, and then the right ones */
	STORE_FAILS,
	N_EVENTS,
};

static const char *const way_names[N_WAYS] = {
	"queued", "stream", "stream, some", "resumed", "kept", "zst", "hedged",
	"parts", "parts, tree", "parts, some", "paused", "parked", "no room",
	"promised", "sealing",
};
static const char *const event_names[N_EVENTS] = {
	"nothing", "joined", "read", "one leaves", "all leave", "late", "stopped",
	"mirrors fail", "mirrors lack it", "wrong bytes", "the store fails",
};

static struct {
	enum way way;
	struct reader readers[4];
	bool left[4];
	size_t n_readers;
	struct object others[3];
	struct reader other_readers[3];
	size_t n_others;
	struct fetch_promiser promiser;
	int lock;
	struct fetch_limits limits;
	bool wrong, lacking, failing;
	struct rlimit fsize;
	const struct http_get *begun;	/* so many of its bytes have come */
	size_t begun_len;
	uint8_t *zst;
	size_t zst_len;
} s;

static void pass(unsigned int ms)
{
	spin(ms);
	fetcher_check(rig.fetcher);
}

static struct fetch *the_fetch(void)
{
	return fetch_find(rig.fetcher, &large.digest);
}

static void want_it(enum fetch_kind kind)
{
	ask(&s.readers[s.n_readers++], &large, kind);
}

static void leave(size_t i)
{
	s.left[i] = true;
	fetch_leave(rig.fetcher, &s.readers[i].waiter);
}

static void want_other(void)
{
	size_t i = s.n_others++;

	s.others[i] = make_object(100, 100 + (uint32_t)i);
	ask(&s.other_readers[i], &s.others[i], FETCH_DEMAND);
}

static bool is_for_large(const struct http_get *get)
{
	char name[CFS_OBJECT_NAME_LEN + 1];

	cfs_object_name_format(&large.digest, name);
	return strstr(get->url, name);
}

/* Answer a GET as the mirrors are in the mood to. */
static void answer(struct http_get *get)
{
	bool compressed = strstr(get->url, "/zst/");
	const uint8_t *from = large.data;
	size_t all = large.len, at = get->offset, len;
	uint8_t *copy;

	if (!is_for_large(get) || s.lacking) {
		end_get(get, FETCH_RESULT_MISSING);
		return;
	}
	if (compressed) {
		from = s.zst;
		all = s.zst_len;
	} else if (strstr(get->url, "/verity/")) {
		from = large_tree;
		all = large_tree_len;
	}
	len = get->length ? get->length : all - at;
	if (get == s.begun) {
		at += s.begun_len;
		len -= s.begun_len;
		s.begun = NULL;
	}
	copy = malloc(len);
	CHECK(copy);
	memcpy(copy, from + at, len);
	for (size_t i = 0; s.wrong && i < len; i += BLOCK)
		copy[i] ^= 1;
	if (hand_over(get, copy, len))
		end_get(get, FETCH_RESULT_OK);
	free(copy);
}

/* The oldest first, as a network may well do; one at a time. */
static void answer_all(void)
{
	while (rig.n_gets) {
		answer(rig.gets[0]);
		fetcher_check(rig.fetcher);
	}
}

static void fail_all(enum fetch_result result)
{
	s.begun = NULL;
	while (rig.n_gets) {
		end_get(rig.gets[0], result);
		fetcher_check(rig.fetcher);
	}
}

static uint64_t comes_in_ms(struct fetch_promiser *promiser,
			    const struct cfs_digest *digest)
{
	(void)promiser;
	(void)digest;
	return s.way == PROMISED ? 3600 * 1000 : 0;
}

static const char *what_mirrors_have(void)
{
	if (s.way == ZST)
		return "composefs-mirror 1\nzst\n";
	return s.way == PARTS_TREE || s.way == PARTS_SOME ? TREES : NO_TREES;
}

/* A second GET has to be out before that. */
static unsigned int late_ms(void)
{
	return s.way == HEDGED ? 4 * DEADLINE_MS : DEADLINE_MS;
}

static void configure(enum event event)
{
	setup(s.way == KEPT || s.way == PARKED || s.way == PAUSED ? 1 : 2);
	rig.config.large_size = s.way >= PARTS && s.way <= PARTS_SOME ? 1 << 20 :
								 1 << 30;
	rig.config.deadline_ms = event == LATE ? late_ms() : 60000;
	rig.config.probe_ms = 20;
	rig.config.no_hedge = s.way != HEDGED;
	if (s.way == QUEUED)
		rig.config.max_transfers = 1;
	start();
	offer_all(what_mirrors_have());
	s.promiser.comes_in_ms = comes_in_ms;
	fetch_promiser_add(rig.fetcher, &s.promiser);
	if (s.way != NO_ROOM)
		return;
	/* A collection waits for whoever holds the lock. */
	CHECK_EQ(cfs_store_lock(rig.store, CFS_STORE_LOCK_SHARED, false, &s.lock),
		 0);
	s.limits.reserve = (uint64_t)1 << 62;
	fetcher_limit(rig.fetcher, &s.limits, NULL, NULL);
}

/* The first mirror is known to be quick: the second is asked soon. */
static void warm_up(void)
{
	want_other();
	spin_until_gets(1);
	CHECK(hand_over(rig.gets[0], s.others[0].data, s.others[0].len));
	end_get(rig.gets[0], FETCH_RESULT_OK);
	spin_until_sealed();
}

/* A mirror does not answer: nobody may ask it but for one probe, which is out. */
static void park(void)
{
	for (size_t i = 0; i < 3; i++)
		want_other();
	spin_until_gets(3);
	fail_all(FETCH_RESULT_UNREACHABLE);
	spin_until_gets(1);
	CHECK_EQ(rig.n_gets, 1);
}

/* All of the tree, and the first chunks of the object. */
static void get_some_parts(void)
{
	spin_until_gets(1);
	while (strstr(rig.gets[0]->url, "/verity/")) {
		answer(rig.gets[0]);
		spin_until_gets(1);
	}
	s.begun_len = (size_t)1 << 20;
	CHECK(hand_over(rig.gets[0], large.data, s.begun_len));
	s.begun = rig.gets[0];
	while (!partials_stats(rig.fetcher->partials)->bytes)
		pass(1);
}

static void set_out(enum fetch_kind kind)
{
	if (s.way == QUEUED)
		want_other();
	if (s.way == PARKED)
		park();
	if (s.way == HEDGED)
		warm_up();
	want_it(kind);
	switch (s.way) {
	case QUEUED:
	case PARKED:
	case NO_ROOM:
	case PROMISED:
	case N_WAYS:
		pass(1);
		break;
	case STREAM:
	case ZST:
	case PARTS:
	case PARTS_TREE:
		spin_until_gets(1);
		break;
	case STREAM_SOME:
		spin_until_gets(1);
		CHECK(hand_over(rig.gets[0], large.data, SOME));
		s.begun = rig.gets[0];
		s.begun_len = SOME;
		break;
	case RESUMED:
	case KEPT:
		spin_until_gets(1);
		CHECK(hand_over(rig.gets[0], large.data, 2 << 20));
		end_get(rig.gets[0], s.way == KEPT ? FETCH_RESULT_UNREACHABLE :
						     FETCH_RESULT_SHORT);
		pass(1);
		break;
	case HEDGED:
		spin_until_gets(2);
		break;
	case PARTS_SOME:
		get_some_parts();
		break;
	case PAUSED:
		spin_until_gets(1);
		fail_all(FETCH_RESULT_STATUS);
		pass(1);
		break;
	case SEALING:
		spin_until_gets(1);
		while (rig.n_gets)
			answer(rig.gets[0]);
		break;
	}
}

/* It is where the table says. */
static void check_way(void)
{
	static const struct {
		enum fetch_state state;
		enum fetch_method method;
		enum fetch_wait waits_for;
	} where[N_WAYS] = {
		[QUEUED] = { FETCH_QUEUED, FETCH_NO_METHOD, 0 },
		[STREAM] = { FETCH_TRANSFER, FETCH_IN_STREAM, 0 },
		[STREAM_SOME] = { FETCH_TRANSFER, FETCH_IN_STREAM, 0 },
		[RESUMED] = { FETCH_TRANSFER, FETCH_IN_STREAM, 0 },
		[KEPT] = { FETCH_BACKOFF, FETCH_NO_METHOD, FETCH_FOR_TIME },
		[ZST] = { FETCH_TRANSFER, FETCH_IN_STREAM, 0 },
		[HEDGED] = { FETCH_TRANSFER, FETCH_IN_STREAM, 0 },
		[PARTS] = { FETCH_TRANSFER, FETCH_IN_PARTS, 0 },
		[PARTS_TREE] = { FETCH_TRANSFER, FETCH_IN_PARTS, 0 },
		[PARTS_SOME] = { FETCH_TRANSFER, FETCH_IN_PARTS, 0 },
		[PAUSED] = { FETCH_BACKOFF, FETCH_NO_METHOD, FETCH_FOR_TIME },
		[PARKED] = { FETCH_BACKOFF, FETCH_NO_METHOD, FETCH_FOR_PROBE },
		[NO_ROOM] = { FETCH_BACKOFF, FETCH_NO_METHOD, FETCH_FOR_ROOM },
		[PROMISED] = { FETCH_BACKOFF, FETCH_NO_METHOD, FETCH_FOR_ARRIVAL },
		[SEALING] = { FETCH_SEALING, FETCH_NO_METHOD, 0 },
	};
	const struct fetch *fetch = the_fetch();

	CHECK(fetch);
	CHECK_EQ(fetch->state, where[s.way].state);
	CHECK_EQ(fetch->method, where[s.way].method);
	if (fetch->state == FETCH_BACKOFF)
		CHECK_EQ(fetch->waits_for, where[s.way].waits_for);
	CHECK_EQ(fetch->body != NULL,
		 fetch->method == FETCH_IN_STREAM || s.way == KEPT ||
			 s.way == SEALING);
}

static void limit_files(rlim_t most)
{
	struct rlimit limit = s.fsize;

	limit.rlim_cur = most;
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void happen(enum event event)
{
	switch (event) {
	case NOTHING:
	case N_EVENTS:
		break;
	case JOINED:
		want_it(FETCH_BACKGROUND);
		want_it(FETCH_PREFETCH);
		break;
	case READ:
		want_it(FETCH_DEMAND);
		break;
	case ONE_LEAVES:
		want_it(FETCH_PREFETCH);
		leave(0);
		break;
	case ALL_LEAVE:
		for (size_t i = 0; i < s.n_readers; i++)
			leave(i);
		break;
	case LATE:
		pass(late_ms());
		if (s.way == PARTS_SOME)
			pass(2 * late_ms());
		pass(late_ms() / 2);
		break;
	case STOPPED:
		break;
	case MIRRORS_FAIL:
		fail_all(FETCH_RESULT_UNREACHABLE);
		break;
	case MIRRORS_LACK:
		/* Of several mirrors one: all of them would be the end of it. */
		s.begun = NULL;
		if (rig.n_gets)
			end_get(rig.gets[0], mirrors_count(rig.fetcher->mirrors) > 1 ?
						     FETCH_RESULT_MISSING :
						     FETCH_RESULT_STATUS);
		break;
	case WRONG_BYTES:
		s.wrong = true;
		answer_all();
		s.wrong = false;
		break;
	case STORE_FAILS:
		limit_files(100);
		s.failing = true;
		break;
	}
	fetcher_check(rig.fetcher);
}

static bool all_called(void)
{
	for (size_t i = 0; i < s.n_readers; i++)
		if (!s.left[i] && !s.readers[i].calls)
			return false;
	return true;
}

/* From now on everybody does what they should. */
static void go_on(void)
{
	if (s.lock >= 0)
		close(s.lock);
	s.lock = -1;
	if (s.way == PROMISED) {
		s.way = N_WAYS;
		fetch_promiser_remove(rig.fetcher, &s.promiser);
		fetch_promiser_add(rig.fetcher, &s.promiser);
	}
	for (unsigned int n = 0; n < 30000 && !all_called(); n++) {
		answer_all();
		pass(1);
	}
	CHECK(all_called());
}

/* What readers are told in the end; -EINTR: nothing that is sure. */
static int outcome(enum way way, enum event event)
{
	if (way == NO_ROOM)
		return -ENOSPC;
	switch (event) {
	case STORE_FAILS:
		return way == SEALING ? -EINTR : -EFBIG;
	case LATE:
		/* What makes progress is not cut; a GET has limits of its own. */
		if (way == SEALING || way == STREAM_SOME)
			return 0;
		return way == RESUMED || way == PAUSED || way == PARTS_SOME ?
			       -ETIMEDOUT : -EHOSTUNREACH;
	default:
		return 0;
	}
}

static void check_outcome(enum way way, enum event event)
{
	int want = outcome(way, event);

	for (size_t i = 0; i < s.n_readers; i++) {
		const struct reader *r = &s.readers[i];

		CHECK_EQ(r->calls, !s.left[i]);
		if (r->calls && want != -EINTR)
			CHECK_EQ(r->err, want);
	}
	CHECK(!the_fetch());
	/* What was stopped or given up may still have been whole. */
	if (event != ALL_LEAVE && event != STOPPED && want != -EINTR)
		check_stored(&large, want == 0);
}

static void pair(enum way way, bool read, enum event event)
{
	uint8_t *zst = s.zst;
	size_t zst_len = s.zst_len;
	struct rlimit fsize = s.fsize;

	fprintf(stderr, "  %s%s: %s\n", way_names[way], read ? ", read" : "",
		event_names[event]);
	memset(&s, 0, sizeof(s));
	s.zst = zst;
	s.zst_len = zst_len;
	s.fsize = fsize;
	s.way = way;
	s.lock = -1;
	configure(event);
	/* A second mirror is asked for a reader only. */
	set_out(way == HEDGED ? FETCH_DEMAND : FETCH_BACKGROUND);
	check_way();
	if (read)
		want_it(FETCH_DEMAND);
	fetcher_check(rig.fetcher);
	happen(event);
	if (event == ALL_LEAVE) {
		spin_until_sealed();
		pass(1);
	} else if (event != STOPPED) {
		go_on();
	}
	if (s.failing)
		limit_files(s.fsize.rlim_cur);
	if (event != STOPPED)
		check_outcome(way, event);
	if (s.lock >= 0)
		close(s.lock);
	teardown();
	for (size_t i = 0; event == STOPPED && i < s.n_readers; i++) {
		CHECK_EQ(s.readers[i].calls, 1);
		CHECK_EQ(s.readers[i].err,
			 way == SEALING ? 0 : -ESHUTDOWN);
	}
	for (size_t i = 0; i < s.n_others; i++)
		free(s.others[i].data);
}

static void test_pairs(void)
{
	make_large();
	s.zst_len = ZSTD_compressBound(large.len);
	s.zst = malloc(s.zst_len);
	CHECK(s.zst);
	s.zst_len = ZSTD_compress(s.zst, s.zst_len, large.data, large.len, 1);
	CHECK(!ZSTD_isError(s.zst_len));
	signal(SIGXFSZ, SIG_IGN);
	CHECK_EQ(getrlimit(RLIMIT_FSIZE, &s.fsize), 0);
	for (enum way way = 0; way < N_WAYS; way++)
		for (enum event event = 0; event < N_EVENTS; event++)
			for (int read = 0; read < 2; read++)
				pair(way, read, event);
	free(s.zst);
	free(large.data);
	free(large_tree);
}

RUN_TESTS(T(test_pairs))
