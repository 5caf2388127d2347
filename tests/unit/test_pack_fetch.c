// SPDX-License-Identifier: GPL-2.0-or-later
/* The search for a pack, and whose fault it is when nothing comes of it. */
#include "fetcher/mirror/offers.h"
#include "fetcher/mirror/mirrors.h"
#include "fetcher/pack/pack.h"
#include "tests/unit/fetch_rig.h"
#include "tests/unit/test.h"

struct end {
	unsigned int calls;
	enum pack_outcome outcome;
	const char *mirror;
};

static void over(void *context, enum pack_outcome outcome,
		 const struct pack_stats *stats)
{
	struct end *end = context;

	end->calls++;
	end->outcome = outcome;
	end->mirror = stats->mirror;
}

static const struct pack_calls calls = { .over = over };

/* The pack of an image that is not in the store. */
static struct pack_fetch *look_for(struct end *end)
{
	const struct cfs_digest image = { .bytes = { 1, 2, 3 } };
	struct pack_fetch *pack;

	CHECK_EQ(pack_fetch_start(rig.loop, rig.store, rig.fetcher, &image, NULL,
				  &calls, end, &pack), 0);
	return pack;
}

/* The store has lost the image: no mirror can be blamed for that. */
static void test_image_that_is_gone(void)
{
	char bytes[4096] = "what a mirror sends";
	struct end end = { 0 };
	struct pack_fetch *pack;

	start_offered(1, "packs");
	pack = look_for(&end);
	while (!end.calls) {
		if (rig.n_gets)
			rig.gets[0]->data(rig.gets[0], bytes, sizeof(bytes));
		spin(1);
	}
	CHECK_EQ(end.outcome, PACK_NONE);
	CHECK(!end.mirror);
	CHECK_EQ(rig.n_gets, 0);
	CHECK(mirror_offers(fetcher_offers(rig.fetcher), 0, CFS_MIRROR_PACKS));
	CHECK_EQ(mirrors_state(fetcher_mirrors(rig.fetcher), 0,
			       loop_now_ms(rig.loop)), MIRROR_CLOSED);
	pack_fetch_free(pack);
	teardown();
}

/* Where no mirror has packs none is asked, nor the image read. */
static void test_no_mirror_has_packs(void)
{
	struct end end = { 0 };
	struct pack_fetch *pack;
	size_t n_started;

	start_offered(2, "zst");
	n_started = rig.n_started;
	pack = look_for(&end);
	while (!end.calls)
		spin(1);
	CHECK_EQ(end.outcome, PACK_NONE);
	CHECK_EQ(rig.n_started, n_started);
	pack_fetch_free(pack);
	teardown();
}

/* It may be given up while its image is being read. */
static void test_freed_at_once(void)
{
	struct end end = { 0 };
	struct pack_fetch *pack;

	start_offered(1, "packs");
	pack = look_for(&end);
	spin(0);
	pack_fetch_free(pack);
	spin(10);
	CHECK_EQ(end.calls, 0);
	CHECK_EQ(rig.n_gets, 0);
	teardown();
}

RUN_TESTS(T(test_image_that_is_gone), T(test_no_mirror_has_packs),
	  T(test_freed_at_once))
