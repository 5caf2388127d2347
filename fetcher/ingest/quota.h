/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Room in the store: a quota, and removing what no image needs to keep within it.
 *
 *	                 above the high-water mark, or
 *	                 somebody found no room
 *	      IDLE ---------------------------------------> COLLECTING
 *	        ^                                               |
 *	        +-----------------------------------------------+
 *	              down to the low-water mark, or nothing
 *	              left that may go
 *
 * A collection is a gc (cache/upkeep/gc.h) on a pool thread: what a named image
 * needs is never removed.  Who found no room waits for it and tries again; if it
 * removed nothing, their open fails with ENOSPC, and only theirs.
 *
 * The quota is kept by counting.  The first collection, at the start, finds out
 * what the store takes; what is published from then on is added, estimated, and
 * every further collection counts anew.  Until the first has ended nothing is
 * refused.
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
#include "fetcher/loop/loop.h"

struct cfs_store;

/**
 * struct fetch_limits - the quota, in bytes; 0 for none
 * @max_size: the objects of the store never take more on disk
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
 */
struct fetch_collection {
	int err;
	struct cfs_gc_report report;
	struct errmsg msg;
	uint64_t ms;
};

/**
 * struct fetch_room
 * @limits: NULL: nothing is ever collected or refused
 * @ended: called after each collection
 */
struct fetch_room {
	struct loop *loop;
	struct cfs_store *store;
	const struct fetch_limits *limits;
	void (*ended)(void *context, const struct fetch_collection *done);
	void *context;
	/* private: */
	struct loop_work work;
	bool running;
	bool urgent;			/* somebody found no room: free some */
	bool known;			/* what the store takes */
	uint64_t used;			/* bytes, once known */
	uint64_t added;			/* published while collecting */
	uint64_t booked;		/* for objects on their way */
	uint64_t barren_until_ms;	/* the last one was in vain */
	struct timespec images_time;	/* of images/ when it began */
	struct fetch_collection last;
};

/** fetch_room_start() - find out what the store takes, if there is a quota */
void fetch_room_start(struct fetch_room *room);

/**
 * fetch_room_book() - may an object be fetched?
 * @size: in bytes, or UINT64_MAX if not known
 * @booked: of this object, 0 at first; the caller's to fetch_room_unbook()
 *
 * Return: true if there is room for it, within the quota.
 */
bool fetch_room_book(struct fetch_room *room, uint64_t size, uint64_t *booked);

/** fetch_room_unbook() - it is published, or not fetched after all */
void fetch_room_unbook(struct fetch_room *room, uint64_t *booked);

/** fetch_room_published() - the store has got an object of @size bytes */
void fetch_room_published(struct fetch_room *room, uint64_t size);

/**
 * fetch_room_collect() - somebody found no room
 *
 * Return: true if ended will be called; false if that would not help: nothing
 * could be removed a moment ago, or there is no quota to be kept.
 */
bool fetch_room_collect(struct fetch_room *room);

#endif /* FETCHER_INGEST_QUOTA_H */
