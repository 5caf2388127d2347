// SPDX-License-Identifier: GPL-2.0-or-later
/* Fetches that wait: for a time, for a probe, for room; and their deadlines. */
#include <errno.h>
#include <string.h>

#include "cache/base/container_of.h"
#include "cache/base/descriptor_limit.h"
#include "fetcher/ingest/body.h"
#include "fetcher/engine/internal.h"

/* So often a fetch that finds no room waits for some to be made. */
#define COLLECTIONS_MAX	3

static uint64_t now(const struct fetcher *fetcher)
{
	return loop_now_ms(fetcher->loop);
}

void fetch_fail_late(struct fetch *fetch)
{
	fetch_fail(fetch, FETCH_RESULT_TIMEOUT,
		   fetch_was_heard(fetch) ? -ETIMEDOUT : -EHOSTUNREACH,
		   "the deadline is over");
}

void fetch_start_timer(struct fetch *fetch)
{
	uint64_t at_ms = fetch->wake_ms, now_ms = now(fetch->fetcher);

	if (!fetch->late && fetch->deadline_ms < at_ms)
		at_ms = fetch->deadline_ms;
	if (fetch->note_ms < at_ms)
		at_ms = fetch->note_ms;
	if (fetch->hedge.at_ms < at_ms)
		at_ms = fetch->hedge.at_ms;
	if (at_ms == FETCH_NEVER)
		loop_timer_stop(fetch->fetcher->loop, &fetch->timer);
	else
		loop_timer_start(fetch->fetcher->loop, &fetch->timer,
				 at_ms > now_ms ? at_ms - now_ms : 0);
}

void fetch_wake(struct fetch *fetch)
{
	fetch_dequeue(fetch);
	fetch->wake_ms = FETCH_NEVER;
	fetch_set_state(fetch, FETCH_WOKEN);
	fetch_enqueue(fetch, true);
	fetch_start_timer(fetch);
}

void fetch_back_off(struct fetch *fetch, enum fetch_wait waits_for,
		    uint64_t at_ms)
{
	fetch_dequeue(fetch);
	fetch_set_state(fetch, FETCH_NOBODY);
	fetch->wake_ms = at_ms;
	fetch->waits_for = waits_for;
	TAILQ_INSERT_TAIL(&fetch->fetcher->waiting[waits_for], fetch, turn);
	fetch_start_timer(fetch);
}

void fetch_wake_all(struct fetcher *fetcher, enum fetch_wait waits_for)
{
	struct fetch *fetch;

	while ((fetch = TAILQ_LAST(&fetcher->waiting[waits_for], fetch_queue)))
		fetch_wake(fetch);
}

void fetch_lacked_descriptors(struct fetcher *fetcher)
{
	unsigned int n = fetcher->stats.in_flight +
			 partials_n_gets(fetcher->partials);

	if (n < fetcher->slots)
		fetcher->slots = n ? n : 1;
	fetcher->n_since_lack = 0;
}

/* Others close what they have open: that is not the end of a fetch. */
static void wait_for_descriptors(struct fetch *fetch)
{
	struct fetcher *fetcher = fetch->fetcher;

	fetch_room_unbook(&fetcher->room, &fetch->booked);
	if (fetch->state == FETCH_SEALING) {
		fetch_set_state(fetch, FETCH_NO_ROOM);
		fetch_enqueue(fetch, true);
	}
	fetch_drop_body(fetch);
	fetch_lacked_descriptors(fetcher);
	fetch_note_failure(fetch, FETCH_RESULT_DESCRIPTORS, 0,
			   "too many open files; see ulimit -n, LimitNOFILE=");
	fetch_back_off(fetch, FETCH_FOR_TIME, now(fetcher) + FETCH_LACK_MS);
}

/* The store failed a fetch.  If it is full, room can perhaps be made. */
void fetch_store_failed(struct fetch *fetch, int err)
{
	struct fetcher *fetcher = fetch->fetcher;
	uint64_t need = fetch->need ? fetch->need :
			fetch_room_need(&fetcher->room, fetch->size);

	if (is_descriptor_error(err) && !fetch->late &&
	    !LIST_EMPTY(&fetch->waiters) && !fetcher->stopping) {
		wait_for_descriptors(fetch);
		return;
	}
	if ((err != -ENOSPC && err != -EDQUOT) || fetch->late ||
	    LIST_EMPTY(&fetch->waiters) || fetcher->stopping ||
	    fetch->n_collections == COLLECTIONS_MAX ||
	    !fetch_room_collect(&fetcher->room, need)) {
		fetch_fail(fetch, FETCH_RESULT_LOCAL, err, strerror(-err));
		return;
	}
	fetch->n_collections++;
	fetch->room_err = err;
	fetch_room_unbook(&fetcher->room, &fetch->booked);
	if (fetch->state == FETCH_SEALING) {
		fetch_set_state(fetch, FETCH_NO_ROOM);
		fetch_enqueue(fetch, true);
	}
	fetch_drop_body(fetch);
	fetch_back_off(fetch, FETCH_FOR_ROOM, FETCH_NEVER);
}

void fetch_room_ended(void *context, const struct fetch_collection *done)
{
	struct fetcher *fetcher = context;
	struct fetch *fetch;

	fetcher->stats.collections++;
	fetcher->stats.collected_objects += done->report.removed.objects;
	fetcher->stats.collected_bytes += done->report.removed.bytes +
					  done->report.removed_other;
	if (fetcher->collected)
		fetcher->collected(fetcher->collected_context, done);
	while ((fetch = TAILQ_LAST(&fetcher->waiting[FETCH_FOR_ROOM],
				   fetch_queue))) {
		if (done->helped)
			fetch_wake(fetch);
		else
			fetch_fail(fetch, FETCH_RESULT_LOCAL, fetch->room_err,
				   strerror(-fetch->room_err));
	}
	partials_room_ended(fetcher->partials, done->helped);
	loop_defer(fetcher->loop, &fetcher->turn);
}

void fetch_set_deadline(struct fetch *fetch)
{
	const struct fetch_config *config = fetch->fetcher->config;
	uint64_t now_ms = now(fetch->fetcher);

	fetch->late = false;
	fetch->note_ms = config->hard ? now_ms + FETCH_NOTE_MS : FETCH_NEVER;
	fetch->deadline_ms = config->hard ? FETCH_NEVER :
					    now_ms + config->deadline_ms;
}

/* What has made progress must go on doing so. */
static uint64_t grace_ms(const struct fetcher *fetcher)
{
	uint64_t ms = fetcher->config->deadline_ms;

	return ms < FETCH_NOTE_MS ? ms : FETCH_NOTE_MS;
}

static void deadline_over(struct fetch *fetch)
{
	struct fetcher *fetcher = fetch->fetcher;

	if (fetch->state == FETCH_QUEUED && fetch->n_tries == 0 &&
	    now(fetcher) < fetcher->progress_ms + FETCH_NOTE_MS) {
		/* It stands in line, and the line moves. */
		fetch->deadline_ms = now(fetcher) + FETCH_NOTE_MS;
	} else if (fetch_makes_progress(fetch)) {
		/* A GET that stalls ends by itself.  In parts another one follows. */
		if (fetch->method == FETCH_IN_PARTS)
			fetch->deadline_ms = now(fetcher) + grace_ms(fetcher);
		else
			fetch->late = true;
	} else if (fetch->state == FETCH_BACKOFF &&
		   fetch->waits_for == FETCH_FOR_ROOM) {
		fetch_fail(fetch, FETCH_RESULT_LOCAL, fetch->room_err,
			   strerror(-fetch->room_err));
		return;
	} else {
		fetch_fail_late(fetch);
		return;
	}
	fetch_start_timer(fetch);
}

void fetch_timer_expired(struct loop_timer *timer)
{
	struct fetch *fetch = container_of(timer, struct fetch, timer);
	uint64_t now_ms = now(fetch->fetcher);

	if (now_ms >= fetch->note_ms) {
		fetch->note_ms = now_ms + FETCH_NOTE_MS;
		fetch_log(fetch, FETCH_RESULT_TIMEOUT, 0, 0, "still waiting",
			  false);
	}
	if (now_ms >= fetch->hedge.at_ms)
		fetch_get_look(fetch);
	if (!fetch->late && now_ms >= fetch->deadline_ms)
		deadline_over(fetch);
	else if (fetch->state == FETCH_BACKOFF && now_ms >= fetch->wake_ms)
		fetch_wake(fetch);
	else
		fetch_start_timer(fetch);
}
