/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects that come without a GET of their own: out of a pack.
 *
 *	begin --> add ... add --> finish --> done
 *	             \---------------------> drop
 *
 * They take the way of all bytes (fetcher/ingest/body.h): hashed, compared, published, each on
 * its own.  Who waits for one of them is told as if it had been fetched.
 *
 * A promiser is asked before a GET is sent: if it says that the object comes soon,
 * the fetch waits so long, or until it is there, and then asks again.  A reader waits no
 * longer than about twice what a GET is expected to take; a promiser that has not kept its
 * word by then is not believed for a while, where readers are concerned.
 *
 * Ownership: deliveries and promisers are the caller's, borrowed from begin until
 * done or drop, and from add until remove.  Runs on the loop's thread; callbacks
 * never come from inside a call of this header.
 */
#ifndef FETCHER_ENGINE_DELIVERY_H
#define FETCHER_ENGINE_DELIVERY_H

#include <stdint.h>
#include <sys/queue.h>

#include "cache/verity/digest.h"

struct fetch_body;
struct fetcher;

enum {
	FETCH_DELIVERY_FULL = 1,	/* add: none were taken; wait for resume */
	FETCH_DELIVERY_UNWANTED = 2,	/* begin: it is there, or a GET brings it */
};

/**
 * struct fetch_delivery - one object on its way
 * @resume: after FETCH_DELIVERY_FULL
 * @done: 0, the store has it; -EBADMSG, these bytes are another object; or what the
 *	store said
 */
struct fetch_delivery {
	void (*resume)(struct fetch_delivery *delivery);
	void (*done)(struct fetch_delivery *delivery, int err);
	/* private: */
	struct fetcher *fetcher;
	struct fetch_body *body;
	struct cfs_digest digest;
	uint64_t size;
	uint64_t booked;
	uint64_t started_ms, got_ms;
	size_t mirror;
};

/**
 * fetch_delivery_begin() - its bytes come now
 * @delivery: its callbacks are set
 * @size: of the object, bytes
 * @mirror: where they come from
 *
 * Return: 0, FETCH_DELIVERY_UNWANTED, -ENOSPC (no room within the quota), -ENOMEM
 * or -ESHUTDOWN; unless 0, it has not begun.
 */
int fetch_delivery_begin(struct fetcher *fetcher, struct fetch_delivery *delivery,
			 const struct cfs_digest *digest, uint64_t size,
			 size_t mirror);

/** fetch_delivery_add() - 0, FETCH_DELIVERY_FULL, or what the store said */
int fetch_delivery_add(struct fetch_delivery *delivery, const void *data,
		       size_t len);

/** fetch_delivery_finish() - all bytes came; done follows */
void fetch_delivery_finish(struct fetch_delivery *delivery);

/** fetch_delivery_drop() - forget it; no call comes any more */
void fetch_delivery_drop(struct fetch_delivery *delivery);

/**
 * struct fetch_promiser - somebody who knows what comes
 * @comes_in_ms: when to look again for an object that comes soon; 0: it does not
 */
struct fetch_promiser {
	uint64_t (*comes_in_ms)(struct fetch_promiser *promiser,
				const struct cfs_digest *digest);
	/* private: */
	uint64_t doubted_until_ms;
	LIST_ENTRY(fetch_promiser) entry;
};

/** fetch_promiser_add() - be asked from now on */
void fetch_promiser_add(struct fetcher *fetcher, struct fetch_promiser *promiser);

/** fetch_promiser_remove() - be asked no more; who was told to wait looks again */
void fetch_promiser_remove(struct fetcher *fetcher,
			   struct fetch_promiser *promiser);

#endif /* FETCHER_ENGINE_DELIVERY_H */
