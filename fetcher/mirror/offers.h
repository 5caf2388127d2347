/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the mirrors have besides objects: the file BASE/mirror of each, fetched in
 * the background (cache/mirror/mirror_file.h).
 *
 *	        start             the file, or anything else
 *	UNKNOWN ------> ASKED ------------------------------> KNOWN
 *	                  ^                                     |
 *	                  +--- 10 min; 1 min after a promise ---+
 *	                       was broken; 1 to 30 s without a
 *	                       usable answer
 *
 *	UNKNOWN, and ASKED for the first time	offers nothing
 *	KNOWN	offers what the file says; nothing, if there is no such file
 *
 * An answer never waits for the network.  A mirror that can't be reached, or
 * answers with a status such as 500, offers what it did; one without the file is
 * asked for it once in ten minutes and for nothing else.  These requests say nothing
 * about a mirror's health.
 *
 * Callers that wait until it is known what is offered wait for
 * mirror_offers_settled(), which has an end: see there.
 *
 * Ownership: mirror_offers_new() gives the caller the offers, to
 * mirror_offers_free().  A watcher is the caller's, borrowed until
 * mirror_offers_unwatch().  Runs on the loop's thread.
 */
#ifndef FETCHER_MIRROR_OFFERS_H
#define FETCHER_MIRROR_OFFERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "cache/mirror/mirror_file.h"

struct fetch_transport;
struct loop;
struct mirror_offers;
struct mirrors;

#define MIRROR_OFFERS_PATIENT	UINT64_MAX

/**
 * struct mirror_offers_watcher - somebody who waits for what a mirror offers
 * @changed: called from the loop each time the file of a mirror came, or did not;
 *	may unwatch
 */
struct mirror_offers_watcher {
	void (*changed)(struct mirror_offers_watcher *watcher);
	/* private: */
	LIST_ENTRY(mirror_offers_watcher) entry;
	bool watching;
};

/**
 * mirror_offers_new() - nothing is known yet, and nothing asked for
 * @loop: borrowed, as the next one
 * @mirrors: whose files
 * @ret: owned by the caller; untouched on failure
 *
 * Return: 0 or -ENOMEM.
 */
int mirror_offers_new(struct loop *loop, const struct mirrors *mirrors,
		      struct mirror_offers **ret);

/**
 * mirror_offers_start() - ask every mirror
 * @transport: borrowed until mirror_offers_stop(), with @context
 * @patience_ms: for so long at most nothing is settled; MIRROR_OFFERS_PATIENT: until a
 *	mirror can be reached, however long that takes
 */
void mirror_offers_start(struct mirror_offers *offers,
			 const struct fetch_transport *transport, void *context,
			 uint64_t patience_ms);

/** mirror_offers_stop() - nothing is asked any more; what is known stays */
void mirror_offers_stop(struct mirror_offers *offers);

/** mirror_offers_free() - stopped, or never started; NULL is allowed */
void mirror_offers_free(struct mirror_offers *offers);

/**
 * mirror_offers() - does it have this?
 * @mirror: its number
 * @folder: one of CFS_MIRROR_*
 */
bool mirror_offers(const struct mirror_offers *offers, size_t mirror,
		   unsigned int folder);

/**
 * mirror_offers_settled() - is there nothing to wait for?
 *
 * Every mirror was asked, and one has answered at least, this request or any other:
 * while none does, the network may not be there yet, as when a machine starts.  A
 * status such as 500 is an answer, and so is a request that went out in vain.  Or the patience of mirror_offers_start() is over;
 * where there is a limit, it is also over when every mirror was asked once in vain.
 */
bool mirror_offers_settled(const struct mirror_offers *offers);

/**
 * mirror_offers_broken() - what a mirror promised is not there, or is no good
 *
 * It does not offer that until its file has been read again.  Not for one object
 * that is not in zst/ or verity/: not every object is.
 */
void mirror_offers_broken(struct mirror_offers *offers, size_t mirror,
			  unsigned int folder);

/** mirror_offers_watch() - be called on news; @watcher is zeroed but for changed */
void mirror_offers_watch(struct mirror_offers *offers,
			 struct mirror_offers_watcher *watcher);

/** mirror_offers_unwatch() - not be called any more; idempotent */
void mirror_offers_unwatch(struct mirror_offers_watcher *watcher);

#endif /* FETCHER_MIRROR_OFFERS_H */
