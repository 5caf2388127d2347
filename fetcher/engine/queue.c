// SPDX-License-Identifier: GPL-2.0-or-later
/* Whose turn it is, and what it does with it; and when all has stopped. */
#include <errno.h>
#include <string.h>

#include "cache/base/descriptor_limit.h"
#include "cache/base/container_of.h"
#include "cache/store/store.h"
#include "fetcher/ingest/body.h"
#include "fetcher/engine/internal.h"
#include "fetcher/mirror/mirrors.h"

static uint64_t now(const struct fetcher *fetcher)
{
	return loop_now_ms(fetcher->loop);
}

/* QUEUED to TRANSFER, if the store does not have it and a mirror may be asked. */
static void take_turn(struct fetch *fetch)
{
	struct fetcher *fetcher = fetch->fetcher;
	const char *never;
	uint64_t at_ms;
	size_t mirror;
	int err;

	err = cfs_store_check(fetcher->store, &fetch->digest, fetch->size);
	if (is_descriptor_error(err)) {
		fetch_store_failed(fetch, err);
		return;
	}
	if (err == 0) {
		fetch_dequeue(fetch);
		fetch_drop_body(fetch);
		fetch_set_state(fetch, FETCH_EXISTS);
		fetcher->stats.existed++;
		fetch_answer(fetch, 0);
		return;
	}
	if (fetch_is_promised(fetch))
		return;
	never = fetch_room_never(&fetcher->room, fetch->size);
	if (never) {
		fetch_fail(fetch, FETCH_RESULT_LOCAL, -EFBIG, never);
		return;
	}
	if (fetch_parts_start(fetch))	/* which books for itself */
		return;
	if (!fetch_room_book(&fetcher->room, fetch->size, &fetch->booked)) {
		fetch->need = fetch_room_need(&fetcher->room, fetch->size);
		fetch_store_failed(fetch, -ENOSPC);
		return;
	}
	switch (mirrors_pick(fetcher->mirrors, now(fetcher), fetch->round.skip,
			     &mirror, &at_ms)) {
	case MIRRORS_NONE:
		fetch_round_over(fetch);
		return;
	case MIRRORS_WAIT:
		fetch_back_off(fetch, at_ms == FETCH_NEVER ? FETCH_FOR_PROBE :
							     FETCH_FOR_TIME,
			       at_ms);
		return;
	}
	fetch->mirror = mirror;
	if (fetch->n_tries++)
		fetcher->stats.retries++;
	err = fetch_begin_get(fetch, mirror);
	if (err < 0) {
		mirrors_report(fetcher->mirrors, mirror, now(fetcher),
			       FETCH_RESULT_LOCAL, 0, 0);
		fetch_fail(fetch, FETCH_RESULT_LOCAL, err, strerror(-err));
		return;
	}
	fetch_dequeue(fetch);
	fetch_start_transfer(fetch, FETCH_IN_STREAM);
}

/* After fetcher_stop(): was that the last job?  The caller may free us then. */
static void check_stopped(struct fetcher *fetcher)
{
	void (*stopped)(void *context) = fetcher->stopped;

	if (fetcher->stats.sealing > 0 ||
	    fetch_bodies_n_live(fetcher->bodies) > 0 ||
	    partials_busy(fetcher->partials) ||
	    (fetcher->delivered &&
	     fetch_bodies_n_live(fetcher->delivered) > 0) ||
	    fetcher->room.running || fetch_sync_now(&fetcher->sync))
		return;
	fetcher->stopped = NULL;
	stopped(fetcher->stopped_context);
}

/* May one more be fetched that no reader waits for? */
static bool may_go_ahead(const struct fetcher *fetcher)
{
	const struct fetch_config *config = fetcher->config;
	unsigned int n = fetcher->n_transfers[FETCH_PREFETCH] +
			 fetcher->n_transfers[FETCH_BACKGROUND];
	unsigned int most = fetcher->n_transfers[FETCH_DEMAND] ?
				    config->max_beside_demand :
				    config->max_ahead;

	return n < most && (n == 0 || !config->max_ahead_bytes ||
			    fetcher->ahead_bytes < config->max_ahead_bytes);
}

/* Whose turn it is; NULL if nobody's. */
static struct fetch *next_in_line(struct fetcher *fetcher)
{
	struct fetch *fetch = TAILQ_FIRST(&fetcher->queues[FETCH_DEMAND]);

	if (fetch || !may_go_ahead(fetcher))
		return fetch;
	fetch = TAILQ_FIRST(&fetcher->queues[FETCH_PREFETCH]);
	return fetch ? fetch : TAILQ_FIRST(&fetcher->queues[FETCH_BACKGROUND]);
}

void fetch_take_turns(struct loop_deferred *deferred)
{
	struct fetcher *fetcher = container_of(deferred, struct fetcher, turn);
	struct fetch *fetch;

	if (fetcher->pauses != loop_pauses(fetcher->loop)) {
		fetcher->pauses = loop_pauses(fetcher->loop);
		mirrors_resumed(fetcher->mirrors);
	}
	if (fetcher->stopped) {
		check_stopped(fetcher);
		return;
	}
	/* A transfer that finds no memory to put its bytes would only wait. */
	while (fetcher->stats.in_flight + partials_n_gets(fetcher->partials) <
		       fetcher_slots(fetcher) &&
	       fetcher->stats.in_flight + fetcher->stats.sealing <
		       fetcher->config->max_files &&
	       fetch_bodies_n_free(fetcher->bodies) > 0 &&
	       (fetch = next_in_line(fetcher)))
		take_turn(fetch);
	partials_pump(fetcher->partials);
#ifndef NDEBUG
	fetcher_check(fetcher);
#endif
}
