// SPDX-License-Identifier: GPL-2.0-or-later
/* The way of one fetch through its states: GETs, rounds, the store. */
#include <errno.h>
#include <stdlib.h>

#include "fetcher/ingest/body.h"
#include "fetcher/engine/internal.h"
#include "fetcher/mirror/mirrors.h"

/* Less than this is quicker fetched again than asked for by range. */
#define RESUME_MIN	((uint64_t)1 << 20)

static uint64_t now(const struct fetcher *fetcher)
{
	return loop_now_ms(fetcher->loop);
}

/* Has it a body without a GET? */
static bool keeps_body(const struct fetch *fetch)
{
	return fetch->body && (fetch->state == FETCH_QUEUED ||
			       fetch->state == FETCH_BACKOFF);
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
	fetch->fetcher->n_kept -= keeps_body(fetch);
	fetch->state = fetch_next_state(fetch->state, input);
	fetch->fetcher->n_kept += keeps_body(fetch);
	fetch->method = FETCH_NO_METHOD;
	if (gauges[fetch->state])
		++*gauges[fetch->state];
	if (fetch->state == FETCH_TRANSFER)
		fetch_count_transfer(fetch, 1);
}

void fetch_start_transfer(struct fetch *fetch, enum fetch_method method)
{
	fetch_set_state(fetch, FETCH_STARTED);
	fetch->method = method;
	fetch_start_timer(fetch);
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

void fetch_dequeue(struct fetch *fetch)
{
	struct fetcher *fetcher = fetch->fetcher;

	if (fetch->state == FETCH_QUEUED)
		TAILQ_REMOVE(&fetcher->queues[fetch->kind], fetch, turn);
	else if (fetch->state == FETCH_BACKOFF)
		TAILQ_REMOVE(&fetcher->waiting[fetch->waits_for], fetch, turn);
}

void fetch_drop_body(struct fetch *fetch)
{
	fetch->fetcher->n_kept -= keeps_body(fetch);
	body_drop(fetch->body);
	fetch->body = NULL;
	fetch->spliced = false;
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

void fetch_answer(struct fetch *fetch, int err)
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
	fetch_end_work(fetch);
	fetch_set_state(fetch, FETCH_GIVEN_UP);
}

void fetch_fail(struct fetch *fetch, enum fetch_result result, int err,
		const char *reason)
{
	give_up(fetch);
	fetch->fetcher->stats.failed++;
	fetch_log(fetch, result, err, 0, reason, true);
	fetch_answer(fetch, err);
}

void fetch_cancel(struct fetch *fetch)
{
	struct fetcher *fetcher = fetch->fetcher;

	give_up(fetch);
	fetcher->stats.cancelled++;
	LIST_REMOVE(fetch, bucket);
	fetch_free(fetch);
}

void fetch_round_over(struct fetch *fetch)
{
	struct fetcher *fetcher = fetch->fetcher;
	struct fetch_conclusion conclusion;

	if (fetch_round_verdict(&fetch->round, mirrors_count(fetcher->mirrors),
				fetcher->config->hard) == FETCH_GIVE_UP) {
		fetch_round_conclude(&fetch->round, &conclusion);
		fetch_fail(fetch, conclusion.result, conclusion.err,
			   conclusion.reason);
		return;
	}
	fetch->round = (struct fetch_round){ 0 };
	fetch_back_off(fetch, FETCH_FOR_TIME,
		       now(fetcher) +
			       mirrors_backoff_ms(++fetch->n_rounds,
						  fetcher_random32(fetcher)));
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
	struct fetch_event event = fetch_event_of(fetch, FETCH_RESULT_OK, 0,
						  size, NULL, true);

	fetch_set_state(fetch, FETCH_PUBLISHED);
	fetcher_count(fetcher, &event);
	fetch_answer(fetch, 0);
}

/* All bytes came, and they are not the object. */
static void wrong_bytes(struct fetch *fetch, uint64_t size)
{
	struct fetcher *fetcher = fetch->fetcher;

	fetch->ruled_out |= FETCH_NOT_ZST;
	if (fetch->spliced) {
		/* Whose fault it is can't be told: once more, from one mirror. */
		fetch->ruled_out |= FETCH_NOT_SPLICED;
	} else {
		mirrors_blame(fetcher->mirrors, fetch->mirror, now(fetcher));
		fetch_round_add(&fetch->round, fetch->mirror,
				FETCH_RESULT_BAD_DIGEST, 0);
	}
	fetch->spliced = false;
	fetch_note_failure(fetch, FETCH_RESULT_BAD_DIGEST, size, NULL);
	fetch_set_state(fetch, FETCH_WRONG_BYTES);
	fetch_enqueue(fetch, true);
	if (LIST_EMPTY(&fetch->waiters))
		fetch_cancel(fetch);
	else if (fetcher->stopping)
		fetch_fail(fetch, FETCH_RESULT_CANCELLED, -ESHUTDOWN, "stopping");
	else if (fetch->late)
		fetch_fail_late(fetch);
}

static void body_done(void *context, int err, const struct cfs_digest *digest)
{
	struct fetch *fetch = context;
	uint64_t size = fetch->received;

	(void)digest;
	fetch->body = NULL;
	if (err == 0) {
		fetch_room_published(&fetch->fetcher->room, size,
				     &fetch->booked);
		fetch_published(fetch, size);
	} else if (err == -EBADMSG)
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

	if (fetch->ruled_out & (FETCH_NOT_BY_RANGE | FETCH_NOT_SPLICED) ||
	    fetch->size == FETCH_SIZE_UNKNOWN ||
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
		fetch->ruled_out |= FETCH_NOT_BY_RANGE;
	if (answer->result != FETCH_RESULT_UNREACHABLE &&
	    answer->result != FETCH_RESULT_DESCRIPTORS &&
	    answer->result != FETCH_RESULT_TLS)
		fetch->heard = true;
	fetch_round_add(&fetch->round, fetch->mirror, answer->result,
			answer->status);
	/* A mirror that lacks an object is nothing to talk about. */
	if (answer->result != FETCH_RESULT_MISSING)
		fetch_note_failure(fetch, answer->result, body_size(fetch->body),
			     answer->reason);
}

static void get_failed(struct fetch *fetch, const struct http_answer *answer)
{
	bool keep = may_resume(fetch, answer->result);
	int err = body_error(fetch->body);

	fetch_note_get(fetch, answer);
	if (keep)
		body_flush(fetch->body);
	else
		fetch_drop_body(fetch);
	fetch_set_state(fetch, FETCH_GET_FAILED);
	fetch_enqueue(fetch, true);
	if (answer->result == FETCH_RESULT_DESCRIPTORS)
		fetch_store_failed(fetch, -EMFILE);
	else if (answer->result == FETCH_RESULT_LOCAL)
		fetch_store_failed(fetch, err < 0 ? err :
				   fetch->room_err < 0 ? fetch->room_err :
							 -ENOMEM);
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

int fetch_begin_get(struct fetch *fetch, size_t mirror)
{
	struct fetcher *fetcher = fetch->fetcher;
	bool kept = fetch->body;
	int err = 0;

	if (!kept) {
		err = body_new(fetcher->bodies, &fetch->digest, fetch->size,
			       &body_calls, fetch, &fetch->body);
		if (err < 0)
			return err;
		fetcher->n_kept++;	/* until the transfer has begun */
	}
	if (fetch->kind == FETCH_DEMAND)
		body_set_first(fetch->body);
	fetch->room_err = 0;
	fetch->offset = body_size(fetch->body);
	fetch->sent_ms = now(fetcher);
	err = fetch_get_send(fetch, mirror);
	if (err == 0 && kept)
		fetch->spliced = true;
	return err;
}
