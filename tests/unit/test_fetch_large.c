// SPDX-License-Identifier: GPL-2.0-or-later
/* A fetch of a large object, and what else happens to it meanwhile. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fetcher/engine/internal.h"
#include "fetcher/mirror/mirrors.h"
#include "fetcher/mirror/offers.h"
#include "tests/unit/large_rig.h"
#include "tests/unit/test.h"

/* A reader comes while the whole is on its way for later: it waits for that. */
static void test_reader_joins_a_prefetch(void)
{
	static const char *const texts[] = { TREES, NO_TREES };
	static const enum fetch_kind kinds[] = { FETCH_PREFETCH, FETCH_BACKGROUND };

	for (size_t i = 0; i < 4; i++) {
		struct reader ahead, r;

		make_large();
		start_large(2, texts[i / 2]);
		ask(&ahead, &large, kinds[i % 2]);
		spin_until_gets(1);
		ask(&r, &large, FETCH_DEMAND);
		serve_until(&r.calls);
		CHECK_EQ(r.err, 0);
		CHECK_EQ(ahead.calls, 1);
		CHECK_EQ(ahead.err, 0);
		check_stored(&large, true);
		CHECK_EQ(fetcher_stats(rig.fetcher)->objects, 1);
		finish_large();
	}
}

/* The object had all its bytes and could not be published: they have to come again. */
static void test_asked_again_after_publishing_failed(void)
{
	char path[128];
	struct reader r;
	FILE *file;

	make_large();
	start_large(1, TREES);
	/* In the way of the folder that its name is in. */
	snprintf(path, sizeof(path), "%s/objects/%02x", rig.path,
		 large.digest.bytes[0]);
	file = fopen(path, "w");
	CHECK(file);
	fclose(file);
	ask(&r, &large, FETCH_DEMAND);
	serve_until(&r.calls);
	CHECK_EQ(r.err, -ENOTDIR);
	CHECK_EQ(unlink(path), 0);
	ask(&r, &large, FETCH_DEMAND);
	serve_until(&r.calls);
	CHECK_EQ(r.err, 0);
	check_stored(&large, true);
	finish_large();
}

/* Bytes of a GET for a part, from where it has come to. */
static void send_some(struct http_get *get, size_t from, size_t len)
{
	send_bytes(get, &large, get->offset + from, get->offset + from + len);
}

/* The first mirror sends a part a few bytes at a time: another one sends the rest. */
static void test_part_that_drips(void)
{
	static const char *const texts[] = { TREES, NO_TREES };

	for (size_t i = 0; i < 2; i++) {
		struct http_get *get;
		struct reader r;
		size_t sent = 0;

		make_large();
		start_hedged(2, texts[i]);
		ask(&r, &large, FETCH_DEMAND);
		spin_until_gets(1);
		while (strstr(rig.gets[0]->url, "/verity/")) {
			serve_large(rig.gets[0]);
			spin_until_gets(1);
		}
		get = rig.gets[0];
		CHECK(strstr(get->url, "//mirror0/"));
		rig.n_cancelled = 0;
		while (!rig.n_cancelled) {
			send_some(get, sent, 1000);
			sent += 1000;
			spin(20);
			CHECK(sent < 1000000);
		}
		spin_until_gets(1);
		CHECK(strstr(rig.gets[0]->url, "//mirror1/"));
		serve_until(&r.calls);
		CHECK_EQ(r.err, 0);
		check_stored(&large, true);
		finish_large();
	}
}

/* The only mirror with a tree takes its time for it: there is no other to ask. */
static void test_tree_of_one_mirror_drips(void)
{
	struct http_get *get;
	struct reader r;

	make_large();
	start_hedged(2, NULL);
	fetcher_ask_for_offers(rig.fetcher, MIRROR_OFFERS_PATIENT);
	CHECK_EQ(rig.gets[0]->data(rig.gets[0], TREES, strlen(TREES)), 0);
	end_get(rig.gets[0], FETCH_RESULT_OK);
	end_get(rig.gets[0], FETCH_RESULT_MISSING);
	ask(&r, &large, FETCH_DEMAND);
	spin_until_gets(1);
	get = rig.gets[0];
	CHECK(strstr(get->url, "//mirror0/verity/"));
	CHECK_EQ(get->data(get, large_tree + get->offset, 100), 0);
	spin(1500);
	CHECK(rig.gets[0] == get);
	CHECK_EQ(get->data(get, large_tree + get->offset + 100,
			   get->length - 100), 0);
	end_get(get, FETCH_RESULT_OK);
	serve_until(&r.calls);
	CHECK_EQ(r.err, 0);
	finish_large();
}

/* No byte comes of it; and the only mirror that there is may take its time. */
static void test_part_that_does_not_come(void)
{
	struct reader r;

	make_large();
	start_hedged(2, NO_TREES);
	ask(&r, &large, FETCH_DEMAND);
	spin_until_gets(1);
	CHECK(strstr(rig.gets[0]->url, "//mirror0/"));
	while (!strstr(rig.gets[0]->url, "//mirror1/"))
		spin(20);
	CHECK_EQ(mirrors_stats(rig.fetcher->mirrors, 0)
			 ->results[FETCH_RESULT_TIMEOUT], 1);
	serve_until(&r.calls);
	CHECK_EQ(r.err, 0);
	finish_large();

	make_large();
	start_hedged(1, NO_TREES);
	ask(&r, &large, FETCH_DEMAND);
	spin_until_gets(1);
	send_some(rig.gets[0], 0, 1000);
	spin(1500);
	CHECK_EQ(rig.n_cancelled, 0);
	send_some(rig.gets[0], 1000, rig.gets[0]->length - 1000);
	end_get(rig.gets[0], FETCH_RESULT_OK);
	serve_until(&r.calls);
	CHECK_EQ(r.err, 0);
	finish_large();
}

RUN_TESTS(T(test_reader_joins_a_prefetch),
	  T(test_asked_again_after_publishing_failed), T(test_part_that_drips),
	  T(test_tree_of_one_mirror_drips), T(test_part_that_does_not_come))
