// SPDX-License-Identifier: GPL-2.0-or-later
/* The way of one fetch through its states: turns, GETs, rounds, the store. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/container_of.h"
#include "cache/store.h"
#include "fetcher/fetch_body.h"
#include "fetcher/fetch_engine.h"
#include "fetcher/mirrors.h"
#include "fetcher/partial.h"

/* Less than this is quicker fetched again than asked for by range. */
#define RESUME_MIN	((uint64_t)1 << 20)

static uint64_t now(const struct fetcher *fetcher)
{
	return loop_now_ms(fetcher->loop);
}

void fetch_set_state(struct fetch *fetch, enum fetch_input input)
{
	struct fetch_stats *stats = &fetch->fetcher->stats;
	unsigned int *const gauges[] = {
		[FETCH_QUEUED] = &stats->queued,
		[FETCH_BACKOFF] = &stats->queued,
		[FETCH_TRANSFER] = &stats->in_flight,
		[FETCH_SEALING] = &stats->sealing,
		[FETCH_DONE] = NULL,
		[FETCH_FAILED] = NULL,
	};

	--*gauges[fetch->state];
	if (fetch->state == FETCH_TRANSFER)
		fetch_count_transfer(fetch, -1);
	fetch->state = fetch_next_state(fetch->state, input);
	if (gauges[fetch->state])
		++*gauges[fetch->state];
	if (fetch->state == FETCH_TRANSFER)
		fetch_count_transfer(fetch, 1);
}

void fetch_count_transfer(struct fetch *fetch, int change)
{
	struct fetcher *fetcher = fetch->fetcher;
	uint64_t size = fetch->size == FETCH_SIZE_UNKNOWN ? 0 : fetch->size;

	fetcher->n_transfers[fetch->kind] += (unsigned int)change;
	if (fetch->kind != FETCH_DEMAND)
		fetcher->ahead_bytes += change > 0 ? size : -size;
}

uint32_t fetcher_random32(struct fetcher *fetcher)
{
	/* Spreads retries in time; nothing depends on its not being guessed. */
	fetcher->random = fetcher->random * 6364136223846793005ULL +
			  1442695040888963407ULL;
	return fetcher->random >> 32;
}

static struct fetch_event make_event(const struct fetch *fetch,
				     enum fetch_result result, int err,
				     uint64_t size, const char *reason,
				     bool final)
{
	const struct fetcher *fetcher = fetch->fetcher;

	return (struct fetch_event){
		.digest = &fetch->digest,
		.size = size,
		.ms = now(fetcher) - fetch->started_ms,
		.mirror = fetch->n_tries ? mirrors_url(fetcher->mirrors,
						       fetch->mirror) : NULL,
		.result = result,
		.err = err,
		.reason = reason,
		.final = final,
		.kind = fetch->first_kind,
		.sequence = fetch->sequence,
		.mirror_number = fetch->mirror,
		.begun_ms = fetch->started_ms,
		.demand_ms = fetch->demand_ms,
		.sent_ms = fetch->sent_ms,
		.got_ms = fetch->got_ms,
	};
}

void fetcher_log(struct fetcher *fetcher, const struct fetch_event *event)
{
	if (fetcher->log)
		fetcher->log(fetcher->log_context, event);
}

void fetch_log(struct fetch *fetch, enum fetch_result result, int err,
	       uint64_t size, const char *reason, bool final)
{
	struct fetch_event event = make_event(fetch, result, err, size, reason,
					      final);

	fetcher_log(fetch->fetcher, &event);
}

void fetcher_note(struct fetcher *fetcher, size_t mirror,
		  const struct fetch_event *event)
{
	uint64_t *noted_ms = &fetcher->noted_ms[mirror][event->result];

	if (*noted_ms && now(fetcher) < *noted_ms + FETCH_NOTE_MS)
		return;
	*noted_ms = now(fetcher);
	fetcher_log(fetcher, event);
}

void fetcher_count(struct fetcher *fetcher, const struct fetch_event *event)
{
	fetcher->stats.objects++;
	fetcher->stats.object_bytes += event->size;
	fetch_sync_add(&fetcher->sync, event->size);
	fetch_room_published(&fetcher->room, event->size);
	fetcher_log(fetcher, event);
}

static void note_failure(struct fetch *fetch, enum fetch_result result,
			 uint64_t size, const char *reason)
{
	struct fetch_event event = make_event(fetch, result, 0, size, reason,
					      false);

	fetcher_note(fetch->fetcher, fetch->mirror, &event);
}

void fetch_enqueue(struct fetch *fetch, bool again)
{
	struct fetcher *fetcher = fetch->fetcher;
	struct fetch_queue *queue = &fetcher->queues[fetch->kind];

	if (again)
		TAILQ_INSERT_HEAD(queue, fetch, turn);
	else
		TAILQ_INSERT_TAIL(queue, fetch, turn);
	loop_defer(fetcher->loop, &fetcher->turn);
}

/* Out of the queue, or of the parked ones. */
void fetch_dequeue(struct fetch *fetch)
{
	struct fetcher *fetcher = fetch->fetcher;

	if (fetch->state == FETCH_QUEUED)
		TAILQ_REMOVE(&fetcher->queues[fetch->kind], fetch, turn);
	else if (fetch->parked_in)
		TAILQ_REMOVE(fetch->parked_in, fetch, turn);
	fetch->parked_in = NULL;
}

void fetch_drop_body(struct fetch *fetch)
{
	if (fetch->body && fetch->state != FETCH_TRANSFER)
		fetch->fetcher->n_kept--;
	body_drop(fetch->body);
	fetch->body = NULL;
	fetch->resumed = false;
}

/* Free it.  It is in no queue, has no body, and nobody waits. */
static void fetch_free(struct fetch *fetch)
{
	struct fetcher *fetcher = fetch->fetcher;

	fetch_room_unbook(&fetcher->room, &fetch->booked);
	loop_timer_stop(fetcher->loop, &fetch->timer);
	loop_defer(fetcher->loop, &fetcher->turn);
	free(fetch);
}

/* DONE or FAILED.  Who is told may ask for it again at once: that is a new one. */
static void answer(struct fetch *fetch, int err)
{
	struct fetcher *fetcher = fetch->fetcher;
	struct fetch_waiter *waiter;

	LIST_REMOVE(fetch, bucket);
	stats_histogram_add(&fetcher->stats.wait,
			    now(fetcher) - fetch->started_ms);
	while ((waiter = LIST_FIRST(&fetch->waiters))) {
		LIST_REMOVE(waiter, entry);
		waiter->fetch = NULL;
		fetcher->stats.waiters--;
		waiter->done(waiter, err);
	}
	fetch_free(fetch);
}

/* To FAILED, whatever is active. */
static void give_up(struct fetch *fetch)
{
	if (fetch->by_parts)
		fetch_parts_cancel(fetch);
	else if (fetch->state == FETCH_TRANSFER)
		fetch_get_cancel(fetch);
	else if (fetch->state != FETCH_SEALING)
		fetch_dequeue(fetch);
	fetch_drop_body(fetch);
	fetch_set_state(fetch, FETCH_GIVEN_UP);
}

void fetch_fail(struct fetch *fetch, enum fetch_result result, int err,
		const char *reason)
{
	give_up(fetch);
	fetch->fetcher->stats.failed++;
	fetch_log(fetch, result, err, 0, reason, true);
	answer(fetch, err);
}

void fetch_cancel(struct fetch *fetch)
{
	struct fetcher *fetcher = fetch->fetcher;

	give_up(fetch);
	fetcher->stats.cancelled++;
	LIST_REMOVE(fetch, bucket);
	fetch_free(fetch);
}

/* Every mirror was asked in vain. */
static void round_over(struct fetch *fetch)
{
	struct fetcher *fetcher = fetch->fetcher;
	bool wrong = fetch->round.wrong;

	if (fetch_round_verdict(&fetch->round, mirrors_count(fetcher->mirrors),
				fetcher->config->hard) == FETCH_GIVE_UP) {
		fetch_fail(fetch, wrong ? FETCH_RESULT_BAD_DIGEST :
					  FETCH_RESULT_MISSING, -EIO,
			   wrong ? "every mirror sends wrong bytes" :
				   fetch_round_missing(&fetch->round));
		return;
	}
	fetch->round = (struct fetch_round){ 0 };
	fetch_back_off(fetch, now(fetcher) +
			       mirrors_backoff_ms(++fetch->n_rounds,
						  fetcher_random32(fetcher)),
		       NULL);
}

static void body_resume(void *context)
{
	struct fetch *fetch = context;

	if (fetch->state == FETCH_TRANSFER)
		fetch_get_resume(fetch);
}

void fetch_published(struct fetch *fetch, uint64_t size)
{
	struct fetcher *fetcher = fetch->fetcher;
	struct fetch_event event = make_event(fetch, FETCH_RESULT_OK, 0, size,
					      NULL, true);

	fetch_set_state(fetch, FETCH_PUBLISHED);
	fetch_room_unbook(&fetcher->room, &fetch->booked);
	fetcher_count(fetcher, &event);
	answer(fetch, 0);
}

/* All bytes came, and they are not the object. */
static void wrong_bytes(struct fetch *fetch, uint64_t size)
{
	struct fetcher *fetcher = fetch->fetcher;

	fetch->no_zst = true;
	if (fetch->resumed) {
		/* Whose fault it is can't be told: once more, from one mirror. */
		fetch->no_resume = true;
	} else {
		mirrors_blame(fetcher->mirrors, fetch->mirror, now(fetcher));
		fetch_round_add(&fetch->round, fetch->mirror,
				FETCH_RESULT_BAD_DIGEST);
	}
	fetch->resumed = false;
	note_failure(fetch, FETCH_RESULT_BAD_DIGEST, size, NULL);
	fetch_set_state(fetch, FETCH_WRONG_BYTES);
	fetch_enqueue(fetch, true);
	if (LIST_EMPTY(&fetch->waiters))
		fetch_cancel(fetch);
	else if (fetch->late)
		fetch_fail_late(fetch);
}

static void body_done(void *context, int err, const struct cfs_digest *digest)
{
	struct fetch *fetch = context;
	uint64_t size = fetch->received;

	(void)digest;
	fetch->body = NULL;
	if (err == 0)
		fetch_published(fetch, size);
	else if (err == -EBADMSG)
		wrong_bytes(fetch, size);
	else
		fetch_store_failed(fetch, err);
}

static const struct fetch_body_calls body_calls = {
	.resume = body_resume,
	.done = body_done,
};

/* May the rest of the body be asked for, instead of the whole? */
static bool may_resume(const struct fetch *fetch, enum fetch_result result)
{
	const struct fetcher *fetcher = fetch->fetcher;

	if (fetch->no_resume || fetch->size == FETCH_SIZE_UNKNOWN ||
	    body_size(fetch->body) < RESUME_MIN ||
	    body_size(fetch->body) == fetch->size ||
	    fetcher->n_kept >= fetcher->config->max_transfers)
		return false;
	return result == FETCH_RESULT_SHORT || result == FETCH_RESULT_TIMEOUT ||
	       result == FETCH_RESULT_UNREACHABLE ||
	       result == FETCH_RESULT_MISSING || result == FETCH_RESULT_BUSY ||
	       result == FETCH_RESULT_STATUS;
}

void fetch_note_get(struct fetch *fetch, const struct http_answer *answer)
{
	if (answer->result == FETCH_RESULT_RANGE)
		fetch->no_resume = true;
	if (answer->result != FETCH_RESULT_UNREACHABLE &&
	    answer->result != FETCH_RESULT_TLS)
		fetch->heard = true;
	fetch_round_add(&fetch->round, fetch->mirror, answer->result);
	/* A mirror that lacks an object is nothing to talk about. */
	if (answer->result != FETCH_RESULT_MISSING)
		note_failure(fetch, answer->result, body_size(fetch->body),
			     answer->reason);
}

static void get_failed(struct fetch *fetch, const struct http_answer *answer)
{
	struct fetcher *fetcher = fetch->fetcher;
	bool keep = may_resume(fetch, answer->result);
	int err = body_error(fetch->body);

	fetch_note_get(fetch, answer);
	if (keep)
		body_flush(fetch->body);
	else
		fetch_drop_body(fetch);
	fetch_set_state(fetch, FETCH_GET_FAILED);
	if (keep)
		fetcher->n_kept++;
	fetch_enqueue(fetch, true);
	if (answer->result == FETCH_RESULT_LOCAL)
		fetch_store_failed(fetch, err < 0 ? err : -ENOMEM);
	else if (fetch->late)
		fetch_fail_late(fetch);
}

void fetch_get_again(struct fetch *fetch)
{
	fetch->heard = true;
	fetch_drop_body(fetch);
	fetch_set_state(fetch, FETCH_GET_FAILED);
	fetch_enqueue(fetch, true);
	if (fetch->late)
		fetch_fail_late(fetch);
}

void fetch_get_ended(struct fetch *fetch, const struct http_answer *answer)
{
	if (answer->result != FETCH_RESULT_OK) {
		get_failed(fetch, answer);
		return;
	}
	fetch->heard = true;
	fetch->received = body_size(fetch->body);
	fetch->got_ms = now(fetch->fetcher);
	fetch_set_state(fetch, FETCH_ALL_BYTES);
	body_finish(fetch->body);
}

/* A GET for the object, or for the rest of it. */
static int send_get(struct fetch *fetch, size_t mirror)
{
	struct fetcher *fetcher = fetch->fetcher;
	bool kept = fetch->body;
	int err = 0;

	if (!kept)
		err = body_new(fetcher->bodies, &fetch->digest, fetch->size,
			       &body_calls, fetch, &fetch->body);
	if (err < 0)
		return err;
	if (fetch->kind == FETCH_DEMAND)
		body_set_first(fetch->body);
	fetch->offset = body_size(fetch->body);
	fetch->sent_ms = now(fetcher);
	err = fetch_get_send(fetch, mirror);
	if (err < 0) {
		if (!kept)
			fetcher->n_kept++;	/* for fetch_drop_body() */
		return err;
	}
	if (kept) {
		fetcher->n_kept--;
		fetch->resumed = true;
	}
	return 0;
}

/* QUEUED to TRANSFER, if the store does not have it and a mirror may be asked. */
static void take_turn(struct fetch *fetch)
{
	struct fetcher *fetcher = fetch->fetcher;
	uint64_t at_ms;
	size_t mirror;
	int err;

	if (cfs_store_check(fetcher->store, &fetch->digest, fetch->size) == 0) {
		fetch_dequeue(fetch);
		fetch_drop_body(fetch);
		fetch_set_state(fetch, FETCH_EXISTS);
		fetcher->stats.existed++;
		answer(fetch, 0);
		return;
	}
	if (fetch_is_promised(fetch))
		return;
	if (!fetch_room_book(&fetcher->room, fetch->size, &fetch->booked)) {
		fetch_store_failed(fetch, -ENOSPC);
		return;
	}
	if (fetch_parts_start(fetch))
		return;
	switch (mirrors_pick(fetcher->mirrors, now(fetcher), fetch->round.skip,
			     &mirror, &at_ms)) {
	case MIRRORS_NONE:
		round_over(fetch);
		return;
	case MIRRORS_WAIT:
		fetch_back_off(fetch, at_ms,
			 at_ms == FETCH_NEVER ? &fetcher->parked : NULL);
		return;
	}
	fetch->mirror = mirror;
	if (fetch->n_tries++)
		fetcher->stats.retries++;
	err = send_get(fetch, mirror);
	if (err < 0) {
		mirrors_report(fetcher->mirrors, mirror, now(fetcher),
			       FETCH_RESULT_LOCAL, 0, 0);
		fetch_fail(fetch, FETCH_RESULT_LOCAL, err, strerror(-err));
		return;
	}
	fetch_dequeue(fetch);
	fetch_set_state(fetch, FETCH_STARTED);
	fetch_start_timer(fetch);
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

	if (fetcher->stopped) {
		check_stopped(fetcher);
		return;
	}
	/* A transfer that finds no memory to put its bytes would only wait. */
	while (fetcher->stats.in_flight + partials_n_gets(fetcher->partials) <
		       fetcher->config->max_transfers &&
	       fetch_bodies_n_free(fetcher->bodies) > 0 &&
	       (fetch = next_in_line(fetcher)))
		take_turn(fetch);
	partials_pump(fetcher->partials);
}
