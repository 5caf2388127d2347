// SPDX-License-Identifier: GPL-2.0-or-later
/* The engine: who asks for what, one fetch a digest, start and stop. */
#include "fetcher/engine/fetch.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/random.h>

#include "fetcher/ingest/body.h"
#include "fetcher/engine/internal.h"
#include "fetcher/mirror/offers.h"
#include "fetcher/mirror/mirrors.h"

/* Chunks beyond one for each transfer, for objects that are being sealed. */
#define SPARE_CHUNKS	32

static struct http *client_of(struct fetcher *fetcher, const struct http_get *get)
{
	return get->bulk && fetcher->bulk_http ? fetcher->bulk_http :
						 fetcher->http;
}

static int http_start(void *context, struct http_get *get)
{
	return http_get_start(client_of(context, get), get);
}

static void http_resume(void *context, struct http_get *get)
{
	http_get_resume(client_of(context, get), get);
}

static void http_cancel(void *context, struct http_get *get)
{
	http_get_cancel(client_of(context, get), get);
}

static const struct fetch_transport http_transport = {
	.start = http_start,
	.resume = http_resume,
	.cancel = http_cancel,
};

/* Chunks came back, or the last job of a body is over. */
void fetcher_bodies_changed(void *context)
{
	struct fetcher *fetcher = context;

	loop_defer(fetcher->loop, &fetcher->turn);
}

static void synced(void *context, int err)
{
	struct fetcher *fetcher = context;

	fetcher->stats.syncs++;
	if (err < 0)
		fetcher->stats.sync_errors++;
	loop_defer(fetcher->loop, &fetcher->turn);
}

static int make_parts(struct fetcher *fetcher)
{
	const struct fetch_config *config = fetcher->config;
	int err = mirrors_new(config, &fetcher->mirrors);

	if (err == 0)
		err = mirror_offers_new(fetcher->loop, fetcher->mirrors,
					&fetcher->offers);
	if (err == 0)
		err = http_new(fetcher->loop, config, &fetcher->http);
	/* A limit on connections is one for all of them. */
	if (err == 0 && !config->max_connections)
		err = http_new(fetcher->loop, config, &fetcher->bulk_http);
	if (err == 0)
		err = fetch_bodies_new(fetcher->loop, fetcher->store,
				       config->max_transfers + SPARE_CHUNKS,
				       &fetcher->bodies);
	if (err == 0)
		err = partials_new(fetcher, &fetcher->partials);
	if (err < 0)
		return err;
	fetch_bodies_on_change(fetcher->bodies, fetcher_bodies_changed,
				       fetcher);
	if (config->in_batches)
		fetch_bodies_in_batches(fetcher->bodies);
	return 0;
}

static bool shed(void *context)
{
	struct fetcher *fetcher = context;

	return partials_shed(fetcher->partials);
}

int fetcher_new(struct loop *loop, struct cfs_store *store,
		const struct fetch_config *config, fetch_log_fn log,
		void *log_context, struct fetcher **ret)
{
	struct fetcher *fetcher = calloc(1, sizeof(*fetcher));
	int err;

	if (!fetcher)
		return -ENOMEM;
	fetcher->loop = loop;
	fetcher->store = store;
	fetcher->config = config;
	fetcher->log = log;
	fetcher->log_context = log_context;
	for (size_t i = 0; i < N_FETCH_KINDS; i++)
		TAILQ_INIT(&fetcher->queues[i]);
	for (size_t i = 0; i < N_FETCH_WAITS; i++)
		TAILQ_INIT(&fetcher->waiting[i]);
	fetcher->turn.call = fetch_take_turns;
	fetcher->slots = UINT_MAX;
	fetcher->sync = (struct fetch_sync){
		.loop = loop,
		.store = store,
		.synced = synced,
		.context = fetcher,
	};
	fetcher->room = (struct fetch_room){
		.loop = loop,
		.store = store,
		.shed = shed,
		.ended = fetch_room_ended,
		.context = fetcher,
	};
	if (getrandom(&fetcher->random, sizeof(fetcher->random), 0) < 0)
		fetcher->random = loop_now_ms(loop);
	err = make_parts(fetcher);
	if (err < 0) {
		fetcher_free(fetcher);
		return err;
	}
	fetcher->transport = &http_transport;
	fetcher->transport_context = fetcher;
	*ret = fetcher;
	return 0;
}

void fetcher_limit(struct fetcher *fetcher, const struct fetch_limits *limits,
		   fetch_collection_fn collected, void *context)
{
	fetcher->room.limits = limits;
	fetcher->collected = collected;
	fetcher->collected_context = context;
	fetch_room_start(&fetcher->room);
}

bool fetcher_room_for_file(struct fetcher *fetcher, uint64_t bytes)
{
	uint64_t need = fetch_room_need(&fetcher->room, bytes), booked = 0;

	if (!fetch_room_book_bytes(&fetcher->room, need, &booked))
		return false;
	fetch_room_landed(&fetcher->room, need, &booked);
	return true;
}

void fetcher_free(struct fetcher *fetcher)
{
	if (!fetcher)
		return;
	loop_undefer(fetcher->loop, &fetcher->turn);
	if (fetcher->offers)
		mirror_offers_stop(fetcher->offers);
	partials_free(fetcher->partials);
	http_free(fetcher->bulk_http);
	http_free(fetcher->http);
	fetch_bodies_free(fetcher->bodies);
	fetch_bodies_free(fetcher->delivered);
	mirror_offers_free(fetcher->offers);
	mirrors_free(fetcher->mirrors);
	fetch_room_end(&fetcher->room);
	free(fetcher);
}

void fetcher_set_transport(struct fetcher *fetcher,
			   const struct fetch_transport *transport,
			   void *context)
{
	fetcher->transport = transport;
	fetcher->transport_context = context;
}

/* The first fetch of a bucket that can be ended now. */
static struct fetch *first_active(struct fetcher *fetcher, size_t i)
{
	struct fetch *fetch;

	LIST_FOREACH(fetch, &fetcher->buckets[i], bucket)
		if (fetch->state != FETCH_SEALING)
			return fetch;
	return NULL;
}

void fetcher_stop(struct fetcher *fetcher, void (*stopped)(void *context),
		  void *context)
{
	struct fetch *fetch;
	size_t i;

	fetcher->stopping = true;
	fetch_room_stop(&fetcher->room);
	mirror_offers_stop(fetcher->offers);
	/* Who is told may leave other fetches: look again each time. */
	for (i = 0; i < FETCH_N_BUCKETS; i++)
		while ((fetch = first_active(fetcher, i)))
			fetch_fail(fetch, FETCH_RESULT_CANCELLED, -ESHUTDOWN,
				   "stopping");
	partials_stop(fetcher->partials);
	fetcher->stopped = stopped;
	fetcher->stopped_context = context;
	loop_defer(fetcher->loop, &fetcher->turn);
}

static unsigned int bucket_of(const struct cfs_digest *digest)
{
	return (digest->bytes[0] | digest->bytes[1] << 8) % FETCH_N_BUCKETS;
}

struct fetch *fetch_find(struct fetcher *fetcher,
			 const struct cfs_digest *digest)
{
	struct fetch *fetch;

	LIST_FOREACH(fetch, &fetcher->buckets[bucket_of(digest)], bucket)
		if (cfs_digest_equal(&fetch->digest, digest))
			return fetch;
	return NULL;
}

static struct fetch *fetch_new(struct fetcher *fetcher,
			       const struct cfs_digest *digest, uint64_t size,
			       enum fetch_kind kind)
{
	struct fetch *fetch = calloc(1, sizeof(*fetch));
	uint64_t now_ms = loop_now_ms(fetcher->loop);

	if (!fetch)
		return NULL;
	fetch->fetcher = fetcher;
	fetch->digest = *digest;
	fetch->size = size >> 63 ? FETCH_SIZE_UNKNOWN : size;
	fetch->max_size = size >> 63 && size != FETCH_SIZE_UNKNOWN ?
				  size & ~FETCH_SIZE_AT_MOST(0) :
				  fetcher->config->max_unknown_size;
	fetch->kind = kind;
	fetch->first_kind = kind;
	fetch->sequence = ++fetcher->sequence;
	fetch->state = FETCH_QUEUED;
	fetch->started_ms = now_ms;
	if (kind == FETCH_DEMAND)
		fetch->demand_ms = now_ms;
	fetch->wake_ms = FETCH_NEVER;
	fetch->hedge.at_ms = FETCH_NEVER;
	fetch->hedge.drop_loser.call = fetch_loser_deferred;
	fetch_set_deadline(fetch);
	fetch->timer.expired = fetch_timer_expired;
	LIST_INSERT_HEAD(&fetcher->buckets[bucket_of(digest)], fetch, bucket);
	fetcher->stats.queued++;
	fetch_enqueue(fetch, false);
	fetch_start_timer(fetch);
	return fetch;
}

static void set_kind(struct fetch *fetch, enum fetch_kind kind)
{
	switch (fetch->state) {
	case FETCH_QUEUED:
		fetch_dequeue(fetch);
		fetch->kind = kind;
		fetch_enqueue(fetch, fetch->n_tries > 0);
		break;
	case FETCH_TRANSFER:
		fetch_count_transfer(fetch, -1);
		fetch->kind = kind;
		fetch_count_transfer(fetch, 1);
		break;
	case FETCH_BACKOFF:
	case FETCH_SEALING:
	case FETCH_DONE:
	case FETCH_FAILED:
		fetch->kind = kind;
		break;
	}
}

/*
 * A reader wants what was to be fetched some time, or will do so soon: as if it were asked
 * for now.  Pauses that were made for want of a reader are over.
 */
static void raise_kind(struct fetch *fetch, enum fetch_kind kind)
{
	struct fetcher *fetcher = fetch->fetcher;

	set_kind(fetch, kind);
	if (kind != FETCH_DEMAND)
		return;
	fetch->sequence = ++fetcher->sequence;
	fetch->demand_ms = loop_now_ms(fetcher->loop);
	fetch->n_rounds = 0;
	fetch_set_deadline(fetch);
	fetch_hurry(fetch);
	if (fetch->state == FETCH_BACKOFF &&
	    (fetch->waits_for == FETCH_FOR_TIME ||
	     fetch->waits_for == FETCH_FOR_ARRIVAL))
		fetch_wake(fetch);
	else
		fetch_start_timer(fetch);
}

int fetch_object(struct fetcher *fetcher, const struct cfs_digest *digest,
		 uint64_t size, enum fetch_kind kind,
		 struct fetch_waiter *waiter)
{
	struct fetch *fetch;

	if (fetcher->stopping)
		return -ESHUTDOWN;
	fetch = fetch_find(fetcher, digest);
	if (!fetch)
		fetch = fetch_new(fetcher, digest, size, kind);
	else if (kind < fetch->kind)
		raise_kind(fetch, kind);
	if (!fetch)
		return -ENOMEM;
	waiter->fetch = fetch;
	LIST_INSERT_HEAD(&fetch->waiters, waiter, entry);
	fetcher->stats.waiters++;
	return 0;
}

void fetch_leave(struct fetcher *fetcher, struct fetch_waiter *waiter)
{
	struct fetch *fetch = waiter->fetch;

	if (!fetch)
		return;
	waiter->fetch = NULL;
	LIST_REMOVE(waiter, entry);
	fetcher->stats.waiters--;
	/* One whose waiters are being answered is about to end by itself. */
	if (LIST_EMPTY(&fetch->waiters) && fetch->state != FETCH_SEALING &&
	    fetch->state != FETCH_DONE && fetch->state != FETCH_FAILED)
		fetch_cancel(fetch);
}

static unsigned int count_waiters(const struct fetch *fetch)
{
	const struct fetch_waiter *waiter;
	unsigned int n = 0;

	LIST_FOREACH(waiter, &fetch->waiters, entry)
		n++;
	return n;
}

static int view(const struct fetch *fetch, fetch_view_fn fn, void *context)
{
	const struct fetch_view v = {
		.digest = &fetch->digest,
		.size = fetch->size,
		.received = fetch_received(fetch),
		.state = fetch_state_name(fetch->state),
		.kind = fetch->kind,
		.n_waiters = count_waiters(fetch),
		.begun_ms = fetch->started_ms,
		.mirror = fetch->n_tries ?
				  mirrors_url(fetch->fetcher->mirrors,
					      fetch->mirror) : NULL,
	};

	return fn(context, &v);
}

void fetcher_each(struct fetcher *fetcher, fetch_view_fn fn, void *context)
{
	const struct fetch *fetch;

	for (size_t i = 0; i < FETCH_N_BUCKETS; i++)
		LIST_FOREACH(fetch, &fetcher->buckets[i], bucket)
			if (view(fetch, fn, context))
				return;
}

int fetcher_get(struct fetcher *fetcher, struct http_get *get)
{
	if (fetcher->stopping)
		return -ESHUTDOWN;
	return fetcher->transport->start(fetcher->transport_context, get);
}

void fetcher_get_resume(struct fetcher *fetcher, struct http_get *get)
{
	fetcher->transport->resume(fetcher->transport_context, get);
}

void fetcher_get_cancel(struct fetcher *fetcher, struct http_get *get)
{
	fetcher->transport->cancel(fetcher->transport_context, get);
}

const struct fetch_stats *fetcher_stats(const struct fetcher *fetcher)
{
	return &fetcher->stats;
}

uint64_t fetcher_changes(const struct fetcher *fetcher)
{
	return mirrors_recoveries(fetcher->mirrors) +
	       fetcher->stats.collected_objects;
}

struct mirrors *fetcher_mirrors(struct fetcher *fetcher)
{
	return fetcher->mirrors;
}

void fetcher_ask_for_offers(struct fetcher *fetcher, uint64_t patience_ms)
{
	mirror_offers_start(fetcher->offers, fetcher->transport,
			    fetcher->transport_context, patience_ms);
}

/* Each stream of a pack keeps a connection and the files of what has come by it. */
#define FILES_FOR_PACKS	32

bool fetcher_is_short_of_files(const struct fetcher *fetcher)
{
	return fetcher->config->max_files < FILES_FOR_PACKS;
}

struct partials *fetcher_partials(struct fetcher *fetcher)
{
	return fetcher->partials;
}

struct mirror_offers *fetcher_offers(struct fetcher *fetcher)
{
	return fetcher->offers;
}
