// SPDX-License-Identifier: GPL-2.0-or-later
/* What is known of each mirror, and when it is asked. */
#include <string.h>

#include "cache/base/container_of.h"
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
	fetcher_ask_for_offers(rig.fetcher);
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
	fetcher_ask_for_offers(rig.fetcher);
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
	fetcher_ask_for_offers(rig.fetcher);
	CHECK_EQ(rig.gets[0]->max_size, CFS_MIRROR_FILE_MAX);
	CHECK(rig.gets[0]->data(rig.gets[0], big, sizeof(big)) < 0);
	end_get(rig.gets[0], FETCH_RESULT_BAD_SIZE);
	end_get(rig.gets[0], FETCH_RESULT_UNREACHABLE);
	CHECK(mirror_offers_settled(offers));
	CHECK(!mirror_offers(offers, 0, CFS_MIRROR_PACKS));
	teardown();
}

/* Stopping ends what was asked. */
static void test_stopping_while_asking(void)
{
	setup(2);
	start();
	fetcher_ask_for_offers(rig.fetcher);
	CHECK_EQ(rig.n_gets, 2);
	teardown();
	CHECK_EQ(rig.n_cancelled, 2);
}

RUN_TESTS(T(test_each_is_asked_once), T(test_broken_promise),
	  T(test_bad_answers), T(test_stopping_while_asking))
