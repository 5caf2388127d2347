/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fetch what profiles list, in their order, before anybody asks for it.
 *
 *	want: an image names it, nobody has listed it yet
 *	          |
 *	          v       a slot is free             fetched, there, or failed
 *	        listed ------------------> under way ----------------------> over
 *
 * A reader never waits behind this: what he asks for goes first in the engine
 * (FETCH_PREFETCH is a lower kind), which also bounds how many of these GETs there
 * are, and how many beside his.  What is listed and asked for is one fetch.  A
 * profile that is wrong costs warmth only: nothing is fetched that its image does
 * not name.
 *
 * Ownership: prefetch_new() gives the caller a prefetch to prefetch_free(); what it
 * is made of is borrowed.  Runs on the loop's thread.
 */
#ifndef FETCHER_PREFETCH_PREFETCH_H
#define FETCHER_PREFETCH_PREFETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/verity/digest.h"

struct allow_list;
struct fetch_event;
struct fetcher;
struct loop;
struct prefetch;

enum {
	PREFETCH_STRANGE = 1,	/* the image does not name it */
	PREFETCH_REPEATED = 2,	/* it is listed already */
};

/**
 * struct prefetch_stats - what came of the profiles; all only grow
 * @listed: objects that some profile lists
 * @strange: digests in a profile that its image does not name
 * @repeated: digests listed before
 * @present: of the listed ones, in the store when it was their turn
 * @fetched: brought in before anybody asked, from here or in a pack
 * @late: of these, readers waited for some before they were there
 * @failed: of the listed ones
 * @missed: objects that readers waited for and no profile lists
 */
struct prefetch_stats {
	uint64_t listed, listed_bytes;
	uint64_t strange, repeated;
	uint64_t present;
	uint64_t fetched, fetched_bytes;
	uint64_t late;
	uint64_t failed;
	uint64_t missed, missed_bytes;
};

/**
 * prefetch_new() - with nothing listed
 * @loop: borrowed
 * @fetcher: borrowed
 * @allow: what images name; borrowed
 * @idle: called each time when everything listed is over; or NULL
 * @context: passed to @idle
 * @ret: untouched on failure
 *
 * Return: 0 or -ENOMEM.
 */
int prefetch_new(struct loop *loop, struct fetcher *fetcher, struct allow_list *allow,
		 void (*idle)(void *context), void *context,
		 struct prefetch **ret);

/** prefetch_free() - nothing is under way (fetcher_stop()); NULL is allowed */
void prefetch_free(struct prefetch *prefetch);

/**
 * prefetch_want() - a profile lists a digest
 * @images: bit set of the slots of the images it is a profile of
 *
 * Return: 0, PREFETCH_STRANGE, PREFETCH_REPEATED or -ENOMEM.
 */
int prefetch_want(struct prefetch *prefetch, const struct cfs_digest *digest,
		  uint32_t images);

/** prefetch_event() - some fetch ended without error */
void prefetch_event(struct prefetch *prefetch, const struct fetch_event *event);

/** prefetch_is_idle() - everything listed is over */
bool prefetch_is_idle(const struct prefetch *prefetch);

/** prefetch_stats() - borrowed */
const struct prefetch_stats *prefetch_stats(const struct prefetch *prefetch);

#endif /* FETCHER_PREFETCH_PREFETCH_H */
