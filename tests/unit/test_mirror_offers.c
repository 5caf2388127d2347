// SPDX-License-Identifier: GPL-2.0-or-later
/* What is known of each mirror, and when it is asked. */
#include <string.h>

#include "cache/base/container_of.h"
#include "fetcher/mirror/mirrors.h"
#include "fetcher/mirror/offers.h"
#include "tests/unit/fetch_rig.h"
#include "tests/unit/test.h"

#define FIRST	"composefs-mirror 1\n"

struct news {
	struct mirror_offers_watcher watcher;
	int n;
};

static void changed(struct mirror_offers_watcher *watcher)
{
	container_of(watcher, struct news, watcher)->n++;
}

static void answer(struct http_get *get, const char *text)
{
	CHECK_EQ(get->data(get, text, strlen(text)), 0);
	end_get(get, FETCH_RESULT_OK);
}

/* Nobody is asked unasked; then each mirror is, once, and none holds up another. */
static void test_each_is_asked_once(void)
{
	struct news news = { .watcher.changed = changed };
	struct mirror_offers *offers;

	setup(3);
	start();
	offers = fetcher_offers(rig.fetcher);
	spin(1);
	CHECK_EQ(rig.n_started, 0);
	CHECK(!mirror_offers(offers, 0, CFS_MIRROR_PACKS));
	mirror_offers_watch(offers, &news.watcher);
	fetcher_ask_for_offers(rig.fetcher, MIRROR_OFFERS_PATIENT);
	CHECK_EQ(rig.n_gets, 3);
	CHECK(strcmp(rig.gets[1]->url, "http://mirror1/mirror") == 0);

	answer(rig.gets[1], FIRST "packs\nzst\n");
	CHECK_EQ(news.n, 1);
	CHECK(!mirror_offers(offers, 0, CFS_MIRROR_PACKS));
	CHECK(mirror_offers(offers, 1, CFS_MIRROR_PACKS));
	CHECK(mirror_offers(offers, 1, CFS_MIRROR_ZST));
	CHECK(!mirror_offers(offers, 1, CFS_MIRROR_VERITY));
	CHECK(!mirror_offers_settled(offers));

	end_get(rig.gets[0], FETCH_RESULT_MISSING);
	answer(rig.gets[0], "<html>packs\npacks\n</html>");
	CHECK(mirror_offers_settled(offers));
	CHECK_EQ(news.n, 3);
	CHECK(!mirror_offers(offers, 0, CFS_MIRROR_PACKS));
	CHECK(!mirror_offers(offers, 2, CFS_MIRROR_PACKS));
	spin(20);
	CHECK_EQ(rig.n_started, 3);
	mirror_offers_unwatch(&news.watcher);
	mirror_offers_unwatch(&news.watcher);
	teardown();
}

/* A promise that was broken is a promise no more. */
static void test_broken_promise(void)
{
	struct mirror_offers *offers;

	setup(1);
	start();
	offers = fetcher_offers(rig.fetcher);
	fetcher_ask_for_offers(rig.fetcher, MIRROR_OFFERS_PATIENT);
	answer(rig.gets[0], FIRST "packs\nverity\n");
	mirror_offers_broken(offers, 0, CFS_MIRROR_PACKS);
	CHECK(!mirror_offers(offers, 0, CFS_MIRROR_PACKS));
	CHECK(mirror_offers(offers, 0, CFS_MIRROR_VERITY));
	teardown();
}

/* The file is cut, and a mirror that can't be reached stops nothing. */
static void test_bad_answers(void)
{
	static const char big[CFS_MIRROR_FILE_MAX + 1];
	struct mirror_offers *offers;

	setup(2);
	start();
	offers = fetcher_offers(rig.fetcher);
	fetcher_ask_for_offers(rig.fetcher, MIRROR_OFFERS_PATIENT);
	CHECK_EQ(rig.gets[0]->max_size, CFS_MIRROR_FILE_MAX);
	CHECK(rig.gets[0]->data(rig.gets[0], big, sizeof(big)) < 0);
	end_get(rig.gets[0], FETCH_RESULT_BAD_SIZE);
	end_get(rig.gets[0], FETCH_RESULT_UNREACHABLE);
	CHECK(mirror_offers_settled(offers));
	CHECK(!mirror_offers(offers, 0, CFS_MIRROR_PACKS));
	teardown();
}

/*
 * A status such as 500 says nothing of what a mirror has, but that it is there: who
 * waits need not wait.  What it said before still holds.
 */
static void test_a_status_settles(void)
{
	static const enum fetch_result results[] = {
		FETCH_RESULT_STATUS,	FETCH_RESULT_BUSY,   FETCH_RESULT_DENIED,
		FETCH_RESULT_MISSING,	FETCH_RESULT_SHORT,  FETCH_RESULT_REDIRECT,
		FETCH_RESULT_BAD_SIZE,	FETCH_RESULT_PROTOCOL,
	};

	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		struct news news = { .watcher.changed = changed };
		struct mirror_offers *offers;

		setup(1);
		start();
		offers = fetcher_offers(rig.fetcher);
		mirror_offers_watch(offers, &news.watcher);
		fetcher_ask_for_offers(rig.fetcher, MIRROR_OFFERS_PATIENT);
		CHECK(!mirror_offers_settled(offers));
		end_get(rig.gets[0], results[i]);
		CHECK(mirror_offers_settled(offers));
		CHECK_EQ(news.n, 1);
		mirror_offers_unwatch(&news.watcher);
		teardown();
	}
}

/* While no mirror can be reached, the patient wait; until one answers anything. */
static void test_patience(void)
{
	struct mirror_offers *offers;
	uint64_t now_ms, at_ms;
	struct mirrors *mirrors;
	size_t mirror;

	setup(2);
	start();
	offers = fetcher_offers(rig.fetcher);
	mirrors = fetcher_mirrors(rig.fetcher);
	fetcher_ask_for_offers(rig.fetcher, MIRROR_OFFERS_PATIENT);
	end_get(rig.gets[0], FETCH_RESULT_UNREACHABLE);
	end_get(rig.gets[0], FETCH_RESULT_TIMEOUT);
	CHECK(!mirror_offers_settled(offers));
	now_ms = loop_now_ms(rig.loop);
	CHECK_EQ(mirrors_pick(mirrors, now_ms, 0, &mirror, &at_ms), 0);
	mirrors_report(mirrors, mirror, now_ms, FETCH_RESULT_CANCELLED, 0, 0);
	CHECK(!mirror_offers_settled(offers));
	CHECK_EQ(mirrors_pick(mirrors, now_ms, 0, &mirror, &at_ms), 0);
	mirrors_report(mirrors, mirror, now_ms, FETCH_RESULT_STATUS, 1, 0);
	CHECK(mirror_offers_settled(offers));
	teardown();
}

/* A mirror that takes the request and says nothing is there. */
static void test_silence_settles(void)
{
	const struct http_answer silence = {
		.result = FETCH_RESULT_TIMEOUT,
		.sent = true,
	};
	struct mirror_offers *offers;
	struct http_get *get;

	setup(1);
	start();
	offers = fetcher_offers(rig.fetcher);
	fetcher_ask_for_offers(rig.fetcher, MIRROR_OFFERS_PATIENT);
	get = rig.gets[0];
	rig.n_gets = 0;
	get->done(get, &silence);
	CHECK(mirror_offers_settled(offers));
	teardown();
}

/* With a limit, an answer that does not come in time is not waited for. */
static void test_patience_ends(void)
{
	struct news news = { .watcher.changed = changed };
	struct mirror_offers *offers;

	setup(2);
	start();
	offers = fetcher_offers(rig.fetcher);
	mirror_offers_watch(offers, &news.watcher);
	fetcher_ask_for_offers(rig.fetcher, 20);
	CHECK(!mirror_offers_settled(offers));
	while (!news.n)
		spin(1);
	CHECK(mirror_offers_settled(offers));
	answer(rig.gets[0], FIRST "packs\n");
	CHECK(mirror_offers(offers, 0, CFS_MIRROR_PACKS));
	mirror_offers_unwatch(&news.watcher);
	teardown();

	setup(2);
	start();
	offers = fetcher_offers(rig.fetcher);
	fetcher_ask_for_offers(rig.fetcher, 100 * 1000);
	end_get(rig.gets[0], FETCH_RESULT_UNREACHABLE);
	CHECK(!mirror_offers_settled(offers));
	end_get(rig.gets[0], FETCH_RESULT_TIMEOUT);
	CHECK(mirror_offers_settled(offers));
	teardown();
}

/* Stopping ends what was asked. */
static void test_stopping_while_asking(void)
{
	setup(2);
	start();
	fetcher_ask_for_offers(rig.fetcher, MIRROR_OFFERS_PATIENT);
	CHECK_EQ(rig.n_gets, 2);
	teardown();
	CHECK_EQ(rig.n_cancelled, 2);
}

RUN_TESTS(T(test_each_is_asked_once), T(test_broken_promise),
	  T(test_bad_answers), T(test_a_status_settles), T(test_patience), T(test_silence_settles),
	  T(test_patience_ends), T(test_stopping_while_asking))
