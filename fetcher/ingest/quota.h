/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Room in the store: a quota, and removing what may go to keep within it.
 *
 *	                 above the high-water mark, or
 *	                 an object found no room
 *	      IDLE ---------------------------------------> COLLECTING
 *	        ^                                               |
 *	        +-----------------------------------------------+
 *	              down to the low-water mark, or nothing
 *	              left that may go
 *
 * The quota is for all that the store takes on the disk (cache/upkeep/space.h): objects
 * and what is to become one, partial objects with their trees, quarantine, profiles.
 * So every writer books what it is going to write before it writes:
 *
 *	book ----> bytes on their way (booked) ----> landed: on the disk (used)
 *	                   |
 *	                   +----> unbook: they do not come, or were nameless and are gone
 *
 * used + booked never exceeds the quota.  What the store takes is measured by each
 * collection, the first of which is made at the start; until it has ended nothing is
 * booked if there is a quota.  In between, what lands is added and what this process
 * removes is taken off; what other processes with a quota have added and booked is read
 * where they publish it (fetcher/ingest/quota_share.h).
 *
 * A collection is a gc (cache/upkeep/gc.h) on a pool thread: an object that a named
 * image needs is never removed.  Who found no room waits for it and tries again.  If
 * what has to go for it can't, nothing is removed, and its open fails with ENOSPC,
 * and only that one.  An object that can't fit whatever goes (fetch_room_never()) is
 * refused without a collection.
 *
 * Ownership: the struct is the caller's, zeroed, then the fields above private
 * set; what they point to is borrowed.  Runs on the loop's thread, collections on
 * the pool.
 */
#ifndef FETCHER_INGEST_QUOTA_H
#define FETCHER_INGEST_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "cache/base/errmsg.h"
#include "cache/upkeep/gc.h"
#include "fetcher/ingest/quota_share.h"
#include "fetcher/loop/loop.h"

struct cfs_store;

/**
 * struct fetch_limits - the quota, in bytes; 0 for none
 * @max_size: the store never takes more on disk
 * @high_water: when they take more than that, some are removed; needs @max_size;
 *	0 for 19/20 of it
 * @low_water: until they take that; 0 for 9/10 of @high_water
 * @reserve: so much stays free in the file system
 * @pins: images whose objects stay though images/ does not name them, or NULL
 * @n_pins: how many
 */
struct fetch_limits {
	uint64_t max_size;
	uint64_t high_water;
	uint64_t low_water;
	uint64_t reserve;
	const struct cfs_digest *pins;
	size_t n_pins;
};

/**
 * struct fetch_collection - what one collection did
 * @err: 0, CFS_STORE_BUSY (somebody is about to name an image) or -errno
 * @report: if @err is 0
 * @msg: more words on @err
 * @ms: it took
 * @helped: who found no room may try again
 */
struct fetch_collection {
	int err;
	struct cfs_gc_report report;
	struct errmsg msg;
	uint64_t ms;
	bool helped;
};

/**
 * struct fetch_room
 * @limits: NULL: nothing is ever collected or refused
 * @shed: called if a collection was in vain: give up what could be fetched again;
 *	false if there is nothing; or NULL
 * @ended: called after each collection
 */
struct fetch_room {
	struct loop *loop;
	struct cfs_store *store;
	const struct fetch_limits *limits;
	bool (*shed)(void *context);
	void (*ended)(void *context, const struct fetch_collection *done);
	void *context;
	/* private: */
	struct quota_share share;	/* with other processes */
	struct loop_work work;
	bool running;
	bool stopping;			/* no collection begins any more */
	bool urgent;			/* an object found no room: make some */
	bool refused;			/* by the quota, not by the disk */
	uint64_t need, others;		/* bytes for it; booked when it began */
	bool known;			/* what the store takes */
	uint64_t used;			/* bytes, once known */
	uint64_t added;			/* landed while collecting */
	uint64_t booked;		/* bytes on their way */
	uint64_t quiet_until_ms;	/* the high-water mark can't be kept */
	uint64_t barren_until_ms;	/* the last urgent one was in vain */
	uint64_t barren_need, barren_free;	/* for so much; disk's free bytes then */
	struct timespec images_time;	/* of images/ when it began */
	bool measured;			/* by the work: total */
	uint64_t total;
	struct fetch_collection last;
};

/** fetch_room_start() - find out what the store takes, if there is a quota */
void fetch_room_start(struct fetch_room *room);

/**
 * fetch_room_stop() - begin no collection any more; one may still be running
 *
 * What is published while stopping, such as the profile of the start, is counted.
 */
void fetch_room_stop(struct fetch_room *room);

/** fetch_room_end() - not running; nothing is on its way any more */
void fetch_room_end(struct fetch_room *room);

/**
 * fetch_room_never() - can the store not hold an object whatever else goes?
 * @size: in bytes, or UINT64_MAX if not known
 *
 * Return: why, in words that stay valid; or NULL.
 */
const char *fetch_room_never(const struct fetch_room *room, uint64_t size);

/** fetch_room_need() - bytes to book for a new object of @size bytes */
uint64_t fetch_room_need(const struct fetch_room *room, uint64_t size);

/**
 * fetch_room_book() - may an object be fetched?
 * @size: in bytes, or UINT64_MAX if not known
 * @booked: of this object, 0 at first, else it is booked already; the caller's to
 *	fetch_room_unbook() or fetch_room_published()
 *
 * Return: true if there is room for it, within the quota.
 */
bool fetch_room_book(struct fetch_room *room, uint64_t size, uint64_t *booked);

/** fetch_room_book_bytes() - the same for @bytes more; all or nothing */
bool fetch_room_book_bytes(struct fetch_room *room, uint64_t bytes,
			   uint64_t *booked);

/** fetch_room_unbook() - all that is booked does not come after all */
void fetch_room_unbook(struct fetch_room *room, uint64_t *booked);

/** fetch_room_unbook_bytes() - @bytes of it, or all if that is less */
void fetch_room_unbook_bytes(struct fetch_room *room, uint64_t bytes,
			     uint64_t *booked);

/** fetch_room_landed() - @bytes are on the disk now, under a name, booked or not */
void fetch_room_landed(struct fetch_room *room, uint64_t bytes, uint64_t *booked);

/**
 * fetch_room_published() - the store has got an object of @size bytes; the rest of
 *	what was booked for it is not needed
 */
void fetch_room_published(struct fetch_room *room, uint64_t size,
			  uint64_t *booked);

/**
 * fetch_room_renamed() - @bytes that had landed have another name
 *
 * A collection that is running may have seen neither: better twice than not at all.
 */
void fetch_room_renamed(struct fetch_room *room, uint64_t bytes);

/** fetch_room_freed() - @bytes that had landed were removed */
void fetch_room_freed(struct fetch_room *room, uint64_t bytes);

/** fetch_room_may_help() - there is something that a collection may now remove */
void fetch_room_may_help(struct fetch_room *room);

/**
 * fetch_room_collect() - an object found no room
 * @need: bytes to book for it
 *
 * Return: true if ended will be called; false if that would not help: as much was
 * looked for in vain a moment ago, or there is no quota to be kept.
 */
bool fetch_room_collect(struct fetch_room *room, uint64_t need);

#endif /* FETCHER_INGEST_QUOTA_H */
