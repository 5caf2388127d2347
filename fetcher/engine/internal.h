/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of the engine, what its files share.  Everything runs on the loop's thread.
 *
 *	fetch.c			who asks
 *	queue.c			whose turn it is
 *	step.c			what a GET brought, and what follows from it
 *	hedge.c			the GETs themselves
 *	pace.c			how they come on
 *	large.c			the same for a large object, which comes in parts
 *	method.c		one answer for all ways in which bytes come
 *	wait.c			what is waited for, and how long
 *	report.c		what is told of it
 *
 * What belongs to a fetch in each state; fetch_is_sound() says the same in code:
 *
 *	state		list			method		GET	body
 *	QUEUED		queues[kind]		none		-	the start of it,
 *								or none
 *	BACKOFF		waiting[waits_for]	none		-	the same
 *	TRANSFER	-			STREAM		1 or 2	yes
 *	TRANSFER	-			PARTS		-	-
 *	SEALING		-			none		-	yes
 */
#ifndef FETCHER_ENGINE_INTERNAL_H
#define FETCHER_ENGINE_INTERNAL_H

#include <sys/queue.h>

#include "fetcher/http/config.h"
#include "fetcher/engine/fetch.h"
#include "fetcher/engine/delivery.h"
#include "fetcher/ingest/quota.h"
#include "fetcher/engine/state.h"
#include "fetcher/ingest/sync.h"
#include "fetcher/loop/loop.h"
#include "fetcher/partial/partial.h"

#define FETCH_N_BUCKETS	4096
#define FETCH_NOTE_MS	10000
#define FETCH_NEVER	UINT64_MAX

struct fetch_get;
TAILQ_HEAD(fetch_queue, fetch);

/* How the bytes come, in TRANSFER. */
enum fetch_method {
	FETCH_NO_METHOD,
	FETCH_IN_STREAM,	/* one GET, or two for a while, into a body */
	FETCH_IN_PARTS,		/* a partial object (partial.h), which has the GETs */
};

/* What a fetch does not try any more. */
enum {
	FETCH_NOT_IN_PARTS = 1 << 0,
	FETCH_NOT_ZST = 1 << 1,		/* compressed it was not there, or wrong */
	FETCH_NOT_BY_RANGE = 1 << 2,	/* a mirror sent something else */
	FETCH_NOT_SPLICED = 1 << 3,	/* bytes of two GETs together were wrong */
};

/* What ends BACKOFF. */
enum fetch_wait {
	FETCH_FOR_TIME,		/* that of the next round */
	FETCH_FOR_PROBE,	/* of a mirror that did not answer */
	FETCH_FOR_ROOM,		/* a collection */
	FETCH_FOR_ARRIVAL,	/* without a GET, or that time; see delivery.h */
	N_FETCH_WAITS,
};

/**
 * struct fetch_hedge - what there is beside the GET of a fetch
 * @second: another GET, to another mirror, or NULL
 * @loser: about to be cancelled, or NULL
 * @drop_loser: does that, once no GET's data is on the stack
 * @at_ms: when to see whether a second one is due; else FETCH_NEVER
 * @racing: the second was sent though the first brings bytes: it has to catch up
 */
struct fetch_hedge {
	struct fetch_get *second;
	struct fetch_get *loser;
	struct loop_deferred drop_loser;
	uint64_t at_ms;
	bool racing;
};

struct fetch {
	struct fetcher *fetcher;
	LIST_ENTRY(fetch) bucket;
	TAILQ_ENTRY(fetch) turn;	/* QUEUED: queues; BACKOFF: waiting */
	struct cfs_digest digest;
	uint64_t size;
	uint64_t max_size;		/* if @size is not known */
	enum fetch_kind kind;		/* at the moment */
	enum fetch_kind first_kind;
	uint32_t sequence;
	enum fetch_state state;
	enum fetch_method method;	/* TRANSFER */
	enum fetch_wait waits_for;	/* BACKOFF */
	unsigned int ruled_out;		/* of FETCH_NOT_* */
	LIST_HEAD(, fetch_waiter) waiters;

	uint64_t started_ms;
	uint64_t demand_ms;		/* 0: no reader waits, or did */
	uint64_t deadline_ms;		/* soft; FETCH_NEVER: hard */
	uint64_t note_ms;		/* hard: when to say that it still waits */
	uint64_t wake_ms;		/* BACKOFF; else FETCH_NEVER */
	uint64_t arrival_ms;		/* a reader waits for one since; or 0 */
	bool late;			/* the deadline passed during a transfer */
	struct loop_timer timer;	/* for the earliest of these */

	struct fetch_round round;
	unsigned int n_rounds, n_tries;
	bool heard;			/* some mirror gave some sign of life */
	uint64_t booked;		/* bytes on disk, see fetcher/ingest/quota.h */
	uint64_t need;			/* bytes that there was no room for */
	unsigned int n_collections;	/* it has waited for */
	int room_err;			/* what it is told if they were in vain */

	size_t mirror;			/* of the GET, or of what it brought */
	uint64_t sent_ms, got_ms;	/* the last GET, and all its bytes */
	uint64_t received;		/* SEALING: bytes of the body */
	uint64_t offset;		/* bytes of the body when the GET was sent */
	struct fetch_get *get;		/* IN_STREAM; else NULL */
	struct fetch_hedge hedge;
	struct fetch_body *body;	/* QUEUED, BACKOFF: the rest is wanted */
	bool spliced;			/* body holds bytes of more than one GET */
	struct partial_owner parts;	/* IN_PARTS */
};

struct fetcher {
	struct loop *loop;
	struct cfs_store *store;
	const struct fetch_config *config;
	fetch_log_fn log;
	void *log_context;

	struct http *http;
	struct http *bulk_http;		/* NULL: the same */
	const struct fetch_transport *transport;
	void *transport_context;
	struct mirrors *mirrors;
	struct mirror_offers *offers;
	struct fetch_bodies *bodies;
	struct partials *partials;
	struct fetch_sync sync;
	struct fetch_room room;
	fetch_collection_fn collected;
	void *collected_context;

	LIST_HEAD(, fetch) buckets[FETCH_N_BUCKETS];
	struct fetch_queue queues[N_FETCH_KINDS];
	unsigned int n_transfers[N_FETCH_KINDS];
	uint64_t ahead_bytes;		/* of transfers that no reader waits for */
	uint32_t sequence;		/* of the last one */
	struct fetch_queue waiting[N_FETCH_WAITS];
	LIST_HEAD(, fetch_promiser) promisers;
	unsigned int n_zst;		/* compressed objects on their way */
	unsigned int zst_missing[FETCH_MIRRORS_MAX];	/* in a row */
	struct fetch_bodies *delivered;	/* NULL: nothing was yet */
	struct loop_deferred turn;
	unsigned int slots;		/* GETs at once after a lack of descriptors; UINT_MAX */
	unsigned int n_since_lack;	/* objects published since */
	size_t n_kept;			/* bodies of fetches without a GET */
	unsigned int pauses;		/* of the loop, that the mirrors know of */
	unsigned int n_races;		/* second GETs that are to catch up */
	uint64_t progress_ms;		/* when bytes last came */
	uint64_t random;
	uint64_t noted_ms[FETCH_MIRRORS_MAX][N_FETCH_RESULTS];
	struct fetch_stats stats;

	bool stopping;
	void (*stopped)(void *context);
	void *stopped_context;
};

/** fetch_find() - the fetch of a digest, or NULL */
struct fetch *fetch_find(struct fetcher *fetcher,
			 const struct cfs_digest *digest);

/** fetch_wake() - BACKOFF to QUEUED: who has waited goes before who has not */
void fetch_wake(struct fetch *fetch);

/**
 * fetch_is_promised() - does it come without a GET?
 * @fetch: QUEUED; waits in BACKOFF after this if so
 */
bool fetch_is_promised(struct fetch *fetch);

/** fetcher_bodies_changed() - chunks came back, or a body's last job is over */
void fetcher_bodies_changed(void *context);

/** fetch_enqueue() - into its queue; at the head of it if it was there before */
void fetch_enqueue(struct fetch *fetch, bool again);

/** fetch_dequeue() - out of the queue, or of the list of those that wait; or nothing */
void fetch_dequeue(struct fetch *fetch);

/** fetch_set_state() - and keep the gauges; see fetch_next_state() */
void fetch_set_state(struct fetch *fetch, enum fetch_input input);

/** fetch_start_transfer() - QUEUED to TRANSFER */
void fetch_start_transfer(struct fetch *fetch, enum fetch_method method);

/** fetch_drop_body() - it is in no transfer any more; its bytes are of no use */
void fetch_drop_body(struct fetch *fetch);

/**
 * fetch_log() - an event of a fetch, for who keeps the log
 * @size: bytes fetched
 * @reason: more words, or NULL; borrowed
 * @final: the fetch is over
 */
void fetch_log(struct fetch *fetch, enum fetch_result result, int err,
	       uint64_t size, const char *reason, bool final);

/** fetcher_log() - an event that is nobody's in particular */
void fetcher_log(struct fetcher *fetcher, const struct fetch_event *event);

/** fetcher_note() - the same, if it is the mirror's first of its kind for a while */
void fetcher_note(struct fetcher *fetcher, size_t mirror,
		  const struct fetch_event *event);

/** fetcher_count() - an object of @event->size bytes was published: count and log */
void fetcher_count(struct fetcher *fetcher, const struct fetch_event *event);

/** fetch_note_failure() - of a GET of @fetch, as fetcher_note() */
void fetch_note_failure(struct fetch *fetch, enum fetch_result result,
			uint64_t size, const char *reason);

/** fetch_event_of() - an event of @fetch; the parameters are those of fetch_log() */
struct fetch_event fetch_event_of(const struct fetch *fetch,
				  enum fetch_result result, int err,
				  uint64_t size, const char *reason, bool final);

/** fetcher_random32() - spreads retries in time */
uint32_t fetcher_random32(struct fetcher *fetcher);

/** fetch_published() - SEALING to DONE; @fetch is gone */
void fetch_published(struct fetch *fetch, uint64_t size);

/**
 * fetch_parts_start() - QUEUED to TRANSFER, if it goes by parts
 *
 * Return: false if it goes in one stream; else @fetch may be gone.
 */
bool fetch_parts_start(struct fetch *fetch);

/* ---- method.c: whatever the state and the method ---- */

/** fetch_received() - bytes of it that are here */
uint64_t fetch_received(const struct fetch *fetch);

/** fetch_makes_progress() - has anything come since it began, or since the last call? */
bool fetch_makes_progress(struct fetch *fetch);

/** fetch_was_heard() - has any mirror given a sign of life because of it? */
bool fetch_was_heard(const struct fetch *fetch);

/** fetch_hurry() - a reader waits for it now: what is under way goes first */
void fetch_hurry(struct fetch *fetch);

/** fetch_end_work() - end what is under way, without a word; the state is to follow */
void fetch_end_work(struct fetch *fetch);

/** fetch_is_sound() - does all that it has belong to its state? */
bool fetch_is_sound(const struct fetch *fetch);

/** fetcher_check() - abort if a fetch is not sound */
void fetcher_check(struct fetcher *fetcher);

/**
 * fetch_back_off() - QUEUED to BACKOFF
 * @waits_for: until that has come
 * @at_ms: but no longer than until then; or FETCH_NEVER, unless for a time
 */
void fetch_back_off(struct fetch *fetch, enum fetch_wait waits_for,
		    uint64_t at_ms);

#define FETCH_LACK_MS	100	/* what finds no descriptor tries again after */

/** fetch_wake_all() - it has come: those who waited for that may try */
void fetch_wake_all(struct fetcher *fetcher, enum fetch_wait waits_for);

/** fetch_set_deadline() - that of who asks now */
void fetch_set_deadline(struct fetch *fetch);

/** fetch_fail_late() - the deadline is over; @fetch is gone */
void fetch_fail_late(struct fetch *fetch);

/**
 * fetch_store_failed() - the store could not take it
 * @fetch: QUEUED or SEALING; gone after this unless it waits for room
 */
void fetch_store_failed(struct fetch *fetch, int err);

/** fetcher_slots() - GETs that may be under way at once */
static inline unsigned int fetcher_slots(const struct fetcher *fetcher)
{
	return fetcher->slots < fetcher->config->max_transfers ?
		       fetcher->slots : fetcher->config->max_transfers;
}

/** fetch_lacked_descriptors() - fewer GETs at once, until things have gone well for a while */
void fetch_lacked_descriptors(struct fetcher *fetcher);

/** fetch_count_transfer() - one more (1) or less (-1) of its kind in TRANSFER */
void fetch_count_transfer(struct fetch *fetch, int change);

/** fetch_start_timer() - for the earliest of what is to happen */
void fetch_start_timer(struct fetch *fetch);

/** fetch_timer_expired() - callback of struct fetch's timer */
void fetch_timer_expired(struct loop_timer *timer);

/** fetch_take_turns() - callback of struct fetcher's turn: start what may start,
 *	or notice that all has stopped
 */
void fetch_take_turns(struct loop_deferred *deferred);

/**
 * fetch_room_ended() - callback of struct fetcher's room: who waited for it tries
 *	again, or is told that it was in vain
 */
void fetch_room_ended(void *context, const struct fetch_collection *done);

/**
 * fetch_fail() - FAILED: end what is active, tell the waiters, forget it
 * @fetch: gone after this
 * @result: for the log
 * @err: for the waiters
 * @reason: for the log; borrowed
 */
void fetch_fail(struct fetch *fetch, enum fetch_result result, int err,
		const char *reason);

/**
 * fetch_answer() - DONE or FAILED: tell the waiters, forget it
 * @fetch: in no queue, has no body; gone after this
 * @err: for the waiters, who may ask for it again at once: that is a new one
 */
void fetch_answer(struct fetch *fetch, int err);

/** fetch_round_over() - every mirror was asked in vain: give up, or try later */
void fetch_round_over(struct fetch *fetch);

/**
 * fetch_begin_get() - ask that mirror for the object, or for the rest of it
 *
 * Return: 0 or -errno; then nothing was sent.
 */
int fetch_begin_get(struct fetch *fetch, size_t mirror);

/** fetch_cancel() - FAILED without a word: nobody waits; @fetch is gone */
void fetch_cancel(struct fetch *fetch);

/**
 * fetch_get_send() - ask that mirror for what the body lacks
 * @fetch: has a body
 * @mirror: from mirrors_pick()
 *
 * Return: 0, after which fetch_get_ended() follows; or -ENOMEM.
 */
int fetch_get_send(struct fetch *fetch, size_t mirror);

/** fetch_get_watch() - a reader waits: set the time for a look at the GET */
void fetch_get_watch(struct fetch *fetch);

/** fetch_get_look() - that time has come: is it worth a second GET? */
void fetch_get_look(struct fetch *fetch);

/** fetch_get_resume() - the body takes bytes again */
void fetch_get_resume(struct fetch *fetch);

/** fetch_get_cancel() - end it; its mirror is told */
void fetch_get_cancel(struct fetch *fetch);

/** fetch_loser_deferred() - callback of struct fetch_hedge's drop_loser */
void fetch_loser_deferred(struct loop_deferred *deferred);

/** fetch_get_ended() - the (last) GET is over, and gone; the mirror was told */
void fetch_get_ended(struct fetch *fetch, const struct http_answer *answer);

/** fetch_get_again() - the GET is gone and has taught nothing: the next one */
void fetch_get_again(struct fetch *fetch);

/** fetch_note_get() - a GET to the fetch's mirror has failed: learn, and say so */
void fetch_note_get(struct fetch *fetch, const struct http_answer *answer);

#endif /* FETCHER_ENGINE_INTERNAL_H */
