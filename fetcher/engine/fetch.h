/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One object's journey from "somebody opened it" to "it is in the store".
 *
 *	 first       slot and           all bytes       hashed and
 *	 waiter      mirror free        are here        published
 *	------> QUEUED -------> TRANSFER ------> SEALING ------> DONE
 *	        |  ^  ^           |   |           |   |
 *	        |  |  |   failed  |   |    wrong  |   |
 *	        |  |  +-----------+---|-----------+   |
 *	        |  | woken up         |               | the store failed
 *	   none |  |                  |               |
 *	may be  |  |                  | given up      v
 *	  asked +-> BACKOFF ----------+-----------> FAILED
 *	                   given up
 *
 *	QUEUED		waits for its turn, without a connection; after a transfer that
 *			broke it may hold the first bytes of the object
 *	TRANSFER	its bytes come: in one stream, which is a GET, hashed and written
 *			as they come; or, of a large object, in parts (partial.h)
 *	SEALING		all bytes came: hash, compare and publish, on a pool thread
 *	BACKOFF		waits: for the time of the next round over the mirrors, for a
 *			probe of one that did not answer, for room in the store, or for
 *			an object that comes without a GET (delivery.h)
 *	DONE, FAILED	every waiter has been answered; the fetch is gone
 *
 * A QUEUED fetch is DONE at once if the store has the object by then.  QUEUED,
 * TRANSFER and BACKOFF are given up when no mirror has the object, when the
 * deadline is over (soft), and when the last waiter leaves.  The deadline does
 * not cut a transfer that makes progress, and does not count while a fetch that
 * was never tried waits for its turn behind others that make progress.  It counts from
 * when a reader came, if the fetch was under way for nobody before.
 *
 * A big object whose transfer breaks keeps what came and asks for the rest.  When
 * no byte comes for much longer than its mirror usually takes, a second mirror is
 * asked as well, and the first that answers is listened to (hedge.c).
 *
 * A store without room sends a fetch to BACKOFF, too, until room was made.
 *
 * Invariants: at most one fetch a digest, and one GET a fetch that adds bytes;
 * later askers are waiters of the first.  Every waiter is called exactly once or has left.  Bytes
 * that do not have the digest are never sealed and never get a name.
 *
 * Ownership: fetcher_new() gives the caller an engine to fetcher_free(); all it
 * is made of is borrowed.  A struct fetch_waiter is the caller's, borrowed from
 * fetch_object() until done or fetch_leave().  Everything here runs on the loop's
 * thread.
 */
#ifndef FETCHER_ENGINE_FETCH_H
#define FETCHER_ENGINE_FETCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "cache/verity/digest.h"
#include "fetcher/http/stats.h"

struct cfs_store;
struct fetch;
struct fetch_collection;
struct fetch_config;
struct fetch_limits;
struct fetcher;
struct http_get;
struct loop;
struct mirror_offers;
struct mirrors;
struct partials;

#define FETCH_SIZE_UNKNOWN	UINT64_MAX

/* Not known, but @n at most, which is below 2^63. */
#define FETCH_SIZE_AT_MOST(n)	((uint64_t)1 << 63 | (n))

/* In the order in which the queued ones go. */
enum fetch_kind {
	FETCH_DEMAND,		/* a reader waits */
	FETCH_PREFETCH,		/* a profile says that one will soon */
	FETCH_BACKGROUND,	/* seeding, completing: nobody is known to want it */
	N_FETCH_KINDS,
};

/** fetch_kind_name() - one word for files and labels */
const char *fetch_kind_name(enum fetch_kind kind);

/**
 * struct fetch_waiter - somebody who waits for an object
 * @done: called exactly once, never from inside fetch_object(); may free the
 *	waiter and may call fetch_object() and fetch_leave()
 *	@err: 0, the object is in the store; or
 *	-EIO		no mirror has it, or all send wrong bytes
 *	-ETIMEDOUT	the deadline is over (soft)
 *	-EHOSTUNREACH	the deadline is over, and no mirror could be reached
 *	-ESHUTDOWN	fetcher_stop()
 *	-ENOSPC, -EDQUOT, -EROFS, -ENOMEM, ...	the store could not take it
 */
struct fetch_waiter {
	void (*done)(struct fetch_waiter *waiter, int err);
	/* private: */
	struct fetch *fetch;
	LIST_ENTRY(fetch_waiter) entry;
};

/**
 * struct fetch_event - what is worth a log line
 * @digest: which object
 * @size: bytes fetched
 * @ms: from the first miss
 * @mirror: base URL of the mirror in question, or NULL; borrowed
 * @result: how it ended, or how this GET ended
 * @err: 0, or what the waiters are told
 * @reason: more words, or NULL; borrowed
 * @final: the fetch is over; else one GET of it failed, or (hard) it still waits
 * @kind: what it began as; @demand_ms tells whether a reader came
 * @sequence: its place among the fetches by first demand, or for those that no
 *	reader waited for by beginning; from 1
 * @mirror_number: of @mirror, as in mirrors.h
 * @begun_ms: on the loop's clock, as the next ones; when it was first asked for
 * @demand_ms: when a reader first waited, or 0
 * @sent_ms: when the last GET was sent, or 0
 * @got_ms: when all its bytes were here, or 0
 */
struct fetch_event {
	const struct cfs_digest *digest;
	uint64_t size;
	uint64_t ms;
	const char *mirror;
	enum fetch_result result;
	int err;
	const char *reason;
	bool final;

	enum fetch_kind kind;
	uint32_t sequence;
	size_t mirror_number;
	uint64_t begun_ms, demand_ms, sent_ms, got_ms;
};

/**
 * struct fetch_view - a fetch that is under way
 * @digest: borrowed
 * @size: or FETCH_SIZE_UNKNOWN
 * @received: bytes of it that are here
 * @state: one word
 * @kind: what it is at the moment
 * @n_waiters: how many wait
 * @begun_ms: on the loop's clock; when it was first asked for
 * @mirror: that was asked last, or NULL; borrowed
 */
struct fetch_view {
	const struct cfs_digest *digest;
	uint64_t size, received;
	const char *state;
	enum fetch_kind kind;
	unsigned int n_waiters;
	uint64_t begun_ms;
	const char *mirror;
};

/**
 * typedef fetch_view_fn - called for each fetch that is under way
 *
 * Return: 0 to go on, anything else to stop.
 */
typedef int (*fetch_view_fn)(void *context, const struct fetch_view *view);

/**
 * typedef fetch_log_fn - called on the loop's thread for each event
 *
 * One for each fetch that ends (but for those that nobody waits for, or that
 * found the object in the store); for the others, at most one in 10 s for each
 * mirror and kind of failure.
 */
typedef void (*fetch_log_fn)(void *context, const struct fetch_event *event);

/**
 * fetcher_new() - make an engine
 * @loop: borrowed, as all below
 * @store: where objects go
 * @config: mirrors and limits
 * @log: may be NULL
 * @log_context: passed to @log
 * @ret: the engine, owned by the caller; untouched on failure
 *
 * Return: 0, -EINVAL (no mirror), -ENOMEM or -errno.
 */
int fetcher_new(struct loop *loop, struct cfs_store *store,
		const struct fetch_config *config, fetch_log_fn log,
		void *log_context, struct fetcher **ret);

/**
 * typedef fetch_collection_fn - called on the loop's thread after each collection
 */
typedef void (*fetch_collection_fn)(void *context,
				    const struct fetch_collection *done);

/**
 * fetcher_limit() - keep the store within limits, see fetcher/ingest/quota.h
 * @limits: borrowed for the life of the engine
 * @collected: may be NULL
 * @context: passed to @collected
 *
 * Without it nothing is collected: a full store fails every fetch.  Before the
 * first fetch.
 */
void fetcher_limit(struct fetcher *fetcher, const struct fetch_limits *limits,
		   fetch_collection_fn collected, void *context);

/**
 * fetcher_room_for_file() - may a file of @bytes be written into the store?
 *
 * Return: true, and it counts from now on; false if the limits forbid it.
 */
bool fetcher_room_for_file(struct fetcher *fetcher, uint64_t bytes);

/**
 * fetcher_stop() - answer every waiter with -ESHUTDOWN and make the store durable
 * @fetcher: takes no further fetches
 * @stopped: called once, when the last pool job is over; fetcher_free() may
 *	follow from there on
 * @context: passed to @stopped
 */
void fetcher_stop(struct fetcher *fetcher, void (*stopped)(void *context),
		  void *context);

/**
 * fetcher_free() - NULL is allowed
 *
 * The engine is idle: nothing was fetched since it was made, or it has stopped.
 */
void fetcher_free(struct fetcher *fetcher);

/**
 * fetch_object() - get an object into the store
 * @fetcher: the engine
 * @digest: which object; copied
 * @size: its size in bytes, FETCH_SIZE_UNKNOWN or FETCH_SIZE_AT_MOST()
 * @kind: lifts a fetch that is under way for less
 * @waiter: done is set by the caller
 *
 * Return: 0, after which @waiter is called; or -ENOMEM or -ESHUTDOWN, after
 * which it is not.
 */
int fetch_object(struct fetcher *fetcher, const struct cfs_digest *digest,
		 uint64_t size, enum fetch_kind kind,
		 struct fetch_waiter *waiter);

/**
 * fetch_leave() - stop waiting; the waiter is not called any more
 *
 * The last one ends the fetch, unless its bytes are all here.  A waiter that has
 * been called, or was never passed to fetch_object() since it was zeroed, may
 * leave too.
 */
void fetch_leave(struct fetcher *fetcher, struct fetch_waiter *waiter);

/** fetcher_each() - visit what is under way, in no order; @fn changes nothing */
void fetcher_each(struct fetcher *fetcher, fetch_view_fn fn, void *context);

/**
 * fetcher_get() - a GET beside the fetches, with the engine's connections
 * @get: as http_get_start(); to be cancelled before fetcher_free()
 *
 * Says nothing about a mirror's health.
 *
 * Return: 0, or -ENOMEM or -ESHUTDOWN, in which case no callback comes.
 */
int fetcher_get(struct fetcher *fetcher, struct http_get *get);

/** fetcher_get_resume() - hand over what its data refused, and go on */
void fetcher_get_resume(struct fetcher *fetcher, struct http_get *get);

/** fetcher_get_cancel() - no callback comes any more; not from inside its data */
void fetcher_get_cancel(struct fetcher *fetcher, struct http_get *get);

/** fetcher_stats() - counters of the engine; borrowed */
const struct fetch_stats *fetcher_stats(const struct fetcher *fetcher);

/**
 * fetcher_changes() - counts what may turn a failure into success: a mirror that is
 *	asked again, objects that were removed to make room
 */
uint64_t fetcher_changes(const struct fetcher *fetcher);

/** fetcher_mirrors() - the mirrors with their health and counters; borrowed */
struct mirrors *fetcher_mirrors(struct fetcher *fetcher);

/**
 * fetcher_ask_for_offers() - find out what the mirrors have besides objects; once
 * @patience_ms: see mirror_offers_start()
 */
void fetcher_ask_for_offers(struct fetcher *fetcher, uint64_t patience_ms);

/** fetcher_is_short_of_files() - may so few be open that packs would starve the rest? */
bool fetcher_is_short_of_files(const struct fetcher *fetcher);

/** fetcher_partials() - objects that are here in part; borrowed */
struct partials *fetcher_partials(struct fetcher *fetcher);

/** fetcher_offers() - what is known of that; borrowed */
struct mirror_offers *fetcher_offers(struct fetcher *fetcher);

#endif /* FETCHER_ENGINE_FETCH_H */
