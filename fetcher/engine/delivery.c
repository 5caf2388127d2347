// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/engine/delivery.h"

#include <errno.h>
#include <stdbool.h>

#include "cache/store/store.h"
#include "fetcher/ingest/body.h"
#include "fetcher/engine/internal.h"
#include "fetcher/mirror/mirrors.h"

/*
 * Memory of their own, so that they never keep a reader's GET from its bytes.
 * Enough for objects that wait for the same flush.
 */
#define N_CHUNKS	48

/* A reader waits so much longer than for a GET: most come in time. */
#define ARRIVAL_SLACK_MS	100
#define DOUBT_MS		5000

static int make_bodies(struct fetcher *fetcher)
{
	int err;

	if (fetcher->delivered)
		return 0;
	err = fetch_bodies_new(fetcher->loop, fetcher->store, N_CHUNKS,
			       &fetcher->delivered);
	if (err == 0) {
		fetch_bodies_in_batches(fetcher->delivered);
		fetch_bodies_on_change(fetcher->delivered, fetcher_bodies_changed,
				       fetcher);
	}
	return err;
}

static void body_resume(void *context)
{
	struct fetch_delivery *delivery = context;

	delivery->resume(delivery);
}

static void note_published(struct fetch_delivery *delivery)
{
	struct fetcher *fetcher = delivery->fetcher;
	struct fetch *fetch = fetch_find(fetcher, &delivery->digest);
	uint64_t begun_ms = fetch ? fetch->started_ms : delivery->started_ms;
	const struct fetch_event event = {
		.digest = &delivery->digest,
		.size = delivery->size,
		.ms = loop_now_ms(fetcher->loop) - begun_ms,
		.mirror = mirrors_url(fetcher->mirrors, delivery->mirror),
		.result = FETCH_RESULT_OK,
		.final = true,
		.kind = FETCH_PREFETCH,
		.sequence = fetch ? fetch->sequence : ++fetcher->sequence,
		.mirror_number = delivery->mirror,
		.begun_ms = begun_ms,
		.demand_ms = fetch ? fetch->demand_ms : 0,
		.sent_ms = delivery->started_ms,
		.got_ms = delivery->got_ms,
	};

	fetcher->stats.delivered++;
	fetcher_count(fetcher, &event);
	if (fetch && fetch->state == FETCH_BACKOFF)
		fetch_wake(fetch);
}

static void body_done(void *context, int err, const struct cfs_digest *digest)
{
	struct fetch_delivery *delivery = context;

	(void)digest;
	delivery->body = NULL;
	if (err == 0) {
		fetch_room_published(&delivery->fetcher->room, delivery->size,
				     &delivery->booked);
		note_published(delivery);
	}
	fetch_room_unbook(&delivery->fetcher->room, &delivery->booked);
	delivery->done(delivery, err);
}

static const struct fetch_body_calls body_calls = {
	.resume = body_resume,
	.done = body_done,
};

int fetch_delivery_begin(struct fetcher *fetcher, struct fetch_delivery *delivery,
			 const struct cfs_digest *digest, uint64_t size,
			 size_t mirror)
{
	const struct fetch *fetch = fetch_find(fetcher, digest);
	int err;

	if (fetcher->stopping)
		return -ESHUTDOWN;
	if ((fetch && (fetch->state == FETCH_TRANSFER ||
		       fetch->state == FETCH_SEALING)) ||
	    cfs_store_check(fetcher->store, digest, size) == 0)
		return FETCH_DELIVERY_UNWANTED;
	err = make_bodies(fetcher);
	if (err < 0)
		return err;
	delivery->fetcher = fetcher;
	delivery->digest = *digest;
	delivery->size = size;
	delivery->mirror = mirror;
	delivery->booked = 0;
	delivery->started_ms = loop_now_ms(fetcher->loop);
	if (!fetch_room_book(&fetcher->room, size, &delivery->booked))
		return -ENOSPC;
	err = body_new(fetcher->delivered, digest, size, &body_calls, delivery,
		       &delivery->body);
	if (err < 0)
		fetch_room_unbook(&fetcher->room, &delivery->booked);
	return err;
}

int fetch_delivery_add(struct fetch_delivery *delivery, const void *data,
		       size_t len)
{
	struct fetcher *fetcher = delivery->fetcher;
	int err = body_add(delivery->body, data, len);

	if (err == 0)
		fetcher->progress_ms = loop_now_ms(fetcher->loop);
	return err == BODY_FULL ? FETCH_DELIVERY_FULL : err;
}

void fetch_delivery_finish(struct fetch_delivery *delivery)
{
	delivery->got_ms = loop_now_ms(delivery->fetcher->loop);
	body_finish(delivery->body);
}

void fetch_delivery_drop(struct fetch_delivery *delivery)
{
	fetch_room_unbook(&delivery->fetcher->room, &delivery->booked);
	body_drop(delivery->body);
	delivery->body = NULL;
}

void fetch_promiser_add(struct fetcher *fetcher, struct fetch_promiser *promiser)
{
	LIST_INSERT_HEAD(&fetcher->promisers, promiser, entry);
}

void fetch_promiser_remove(struct fetcher *fetcher,
			   struct fetch_promiser *promiser)
{
	LIST_REMOVE(promiser, entry);
	fetch_wake_all(fetcher, FETCH_FOR_ARRIVAL);
}

/* So long a reader may wait for an object that others promise. */
static uint64_t limit_ms(const struct fetch *fetch)
{
	const struct fetcher *fetcher = fetch->fetcher;
	bool measured;
	uint64_t ms;

	if (fetch->kind != FETCH_DEMAND || fetcher->config->no_hedge)
		return FETCH_NEVER;
	ms = mirrors_expected_ms(fetcher->mirrors, loop_now_ms(fetcher->loop),
				 fetch->round.skip, fetch->size, &measured);
	return ms == UINT64_MAX ? FETCH_NEVER : 2 * ms + ARRIVAL_SLACK_MS;
}

/* Will it be here in time?  @past_ms: since a reader waits for it. */
static uint64_t promised_ms(struct fetch_promiser *promiser,
			    const struct fetch *fetch, uint64_t past_ms)
{
	uint64_t now_ms = loop_now_ms(fetch->fetcher->loop);
	uint64_t most_ms = limit_ms(fetch), ms;

	if (most_ms != FETCH_NEVER && now_ms < promiser->doubted_until_ms)
		return 0;
	ms = promiser->comes_in_ms(promiser, &fetch->digest);
	if (!ms || most_ms == FETCH_NEVER)
		return ms;
	if (past_ms >= most_ms) {
		promiser->doubted_until_ms = now_ms + DOUBT_MS;
		return 0;
	}
	if (ms > most_ms)
		return 0;
	return ms < most_ms - past_ms ? ms : most_ms - past_ms;
}

bool fetch_is_promised(struct fetch *fetch)
{
	struct fetcher *fetcher = fetch->fetcher;
	uint64_t now_ms = loop_now_ms(fetcher->loop), past_ms, ms;
	struct fetch_promiser *promiser;

	past_ms = fetch->arrival_ms ? now_ms - fetch->arrival_ms : 0;
	LIST_FOREACH(promiser, &fetcher->promisers, entry) {
		ms = promised_ms(promiser, fetch, past_ms);
		if (!ms)
			continue;
		if (fetch->kind == FETCH_DEMAND && !fetch->arrival_ms)
			fetch->arrival_ms = now_ms;
		fetch_back_off(fetch, FETCH_FOR_ARRIVAL, now_ms + ms);
		return true;
	}
	return false;
}
