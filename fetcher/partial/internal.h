/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of partial objects; the states are drawn in partial.h.
 *
 *	set.c		all of them
 *	partial.c		one: who wants it, what for, and its end
 *	read.c		who reads it
 *	job.c		what blocks on the disk: open, hash, publish
 *	room.c		room for it in the store
 *	schedule.c		which part to ask for next, and of which mirror
 *	range.c		one part on its way
 *	pace.c			is it slow?
 *	check.c		is a part what it should be?
 */
#ifndef FETCHER_PARTIAL_INTERNAL_H
#define FETCHER_PARTIAL_INTERNAL_H

#include <sys/queue.h>

#include "cache/store/partial.h"
#include "cache/verity/hash.h"
#include "fetcher/ingest/chunks.h"
#include "fetcher/engine/internal.h"
#include "fetcher/http/config.h"
#include "fetcher/mirror/offers.h"
#include "fetcher/partial/partial.h"
#include "fetcher/partial/map.h"

enum partial_state {
	PARTIAL_IDLE,
	PARTIAL_LOADING,
	PARTIAL_ACTIVE,
	PARTIAL_FINISHING,
	PARTIAL_STREAM,
	PARTIAL_DONE,
};

/* What is to become of it as soon as no part is on its way. */
enum partial_turn {
	TURN_NONE,
	TURN_PLAIN,		/* start again without a tree */
	TURN_STREAM,		/* fetch it in one stream */
};

enum partial_job {
	JOB_LOAD,
	JOB_HASH,		/* plain: what is here without a gap */
	JOB_PUBLISH,
};

TAILQ_HEAD(partial_readers, partial_reader);
TAILQ_HEAD(partial_ranges, partial_range);

struct partial {
	struct partials *partials;
	LIST_ENTRY(partial) entry;
	struct cfs_digest digest;
	uint64_t size;
	uint64_t started_ms;
	uint32_t sequence;			/* as a fetch's */
	enum partial_state state;
	enum partial_turn turn;
	struct partial_map map;
	struct cfs_partial files;

	/* Who wants what. */
	struct partial_readers readers;		/* oldest first */
	LIST_HEAD(, partial_handle) handles;
	struct partial_owner *owner;
	bool fill;				/* all of it is wanted */

	/* Room in the store, see room.c. */
	uint64_t booked, spoken;		/* bytes on their way; of these, taken */
	bool whole;				/* the rest of it is booked */
	bool no_room;				/* waits for a collection */
	bool forget;				/* give up what is here */
	unsigned int n_collections;		/* in a row, without a block */
	int room_err;				/* what is told if they were in vain */

	bool failed;				/* forget what was not checked yet */
	struct fetch_waiter stream;

	/* One job at a time; it owns files, hash and hashed. */
	struct loop_work work;
	enum partial_job job;
	bool working;
	int job_err;
	struct cfs_verity_hash *hash;
	uint64_t hashed, hash_to;		/* bytes; plain */

	/* The mirrors, bit i standing for mirror i. */
	struct partial_ranges ranges;
	unsigned int n_gets;
	struct fetch_round round;
	unsigned int n_rounds;
	uint32_t no_parts;			/* does not do Range */
	unsigned int n_strange;			/* parts answered with a status like 500 */
	uint32_t no_tree;			/* has no tree of this object */
	uint32_t slow;				/* a part was taken from it */
	size_t mirror;				/* plain: of all parts so far */
	bool asked, spliced;			/* plain: one was; of several */
	bool heard;
	uint64_t progress_ms;
	uint64_t wake_ms;			/* FETCH_NEVER: not waiting */
	uint64_t look_ms;			/* at the parts' pace; or never */
	struct loop_timer timer;
	struct loop_deferred settle;
};

struct partial_handle {
	struct partial *partial;
	LIST_ENTRY(partial_handle) entry;
	uint64_t next;			/* block after the last one read */
	uint64_t run;			/* blocks read in a row */
	uint64_t window;		/* blocks to have ahead of next */
	uint64_t refused_until_ms;	/* there was no room; 0: there was */
};

/*
 * One part on its way.
 *
 * A part of the object goes through chunks: filled by the GET, checked and written
 * by a job, in order.  A part of the tree is held until all of it and what
 * vouches for it is here.
 */
struct partial_range {
	struct partial *partial;
	TAILQ_ENTRY(partial_range) entry;	/* of its partial, or idle */
	struct partial_span span;		/* what is not judged yet */
	struct http_get get;
	char *url;
	size_t mirror;
	uint64_t sent_ms;
	uint64_t first_ms;			/* first byte; 0: none came */
	uint64_t n_bytes, mark_ms, mark_bytes;	/* now, and a window ago */
	bool paused;				/* since the mark, by us */
	bool active;				/* the GET */
	enum fetch_result result;

	struct chunk *filling;
	struct chunk_list chunks;
	size_t n_chunks, n_job;
	struct chunk_waiter waiter;
	struct loop_deferred resume;
	uint8_t *nodes;				/* PARTIAL_NODES */
	size_t nodes_len;

	/* The job owns hash, the first n_job chunks, job_err and n_good. */
	struct loop_work work;
	bool working;
	struct cfs_verity_hash *hash;
	int job_err;
	uint64_t n_good;
};

/*
 * Does a mirror do Range?  What refuses a range may be about one object; what refuses
 * those of two objects, one after the other, is asked for none for a while.
 */
struct partial_manners {
	unsigned int refused;		/* objects, since the last part that came */
	uint64_t until_ms;		/* no range is asked for before that */
};

struct partials {
	struct fetcher *fetcher;
	LIST_HEAD(, partial) all;
	struct partial_ranges idle;
	unsigned int n_gets;
	unsigned int n_jobs;
	bool stopping;
	uint64_t patient_until_ms;	/* for mirrors to say what they have */
	struct partial_manners manners[FETCH_MIRRORS_MAX];
	struct mirror_offers_watcher watcher;
	struct partial_stats stats;
};

/* ---- partial.c ---- */

/** partial_woken() - blocks have come: tell whose bytes are all here */
void partial_woken(struct partial *partial);

/** partial_fail() - tell all who wait; the next who asks begins anew */
void partial_fail(struct partial *partial, enum fetch_result result, int err,
		  const char *reason);

/** partial_wait_for_descriptors() - there are none for now: go on a little later */
void partial_wait_for_descriptors(struct partial *partial);

/** partial_settle() - soon: see what there is to do, or whether it is over */
void partial_settle(struct partial *partial);

/** partial_tell() - all who wait: @err */
void partial_tell(struct partial *partial, int err);

/** partial_get() - that of a digest, a new one if there is none; NULL: no memory */
struct partial *partial_get(struct partials *partials,
			    const struct cfs_digest *digest, uint64_t size,
			    bool has_tree);

/** partial_free() - nobody holds it, and nothing is under way */
void partial_free(struct partial *partial);

/** partial_store_failed() - the disk said @err, and may be full */
void partial_store_failed(struct partial *partial, int err);

/**
 * partial_shed() - give up what is here; nothing is on its way
 *
 * Return: false if there was nothing, or it is not a partial object any more.
 */
bool partial_shed(struct partial *partial);

/* ---- room.c ---- */

/** partial_room_for_rest() - book all that is not here yet; false: no room */
bool partial_room_for_rest(struct partial *partial);

/** partial_room_rest() - bytes that takes */
uint64_t partial_room_rest(const struct partial *partial);

/** partial_room_take() - @span is about to be asked for; false: no room */
bool partial_room_take(struct partial *partial, const struct partial_span *span);

/** partial_room_came() - @n blocks have been written */
void partial_room_came(struct partial *partial, uint64_t n);

/** partial_room_left() - @span was asked for and does not come */
void partial_room_left(struct partial *partial, const struct partial_span *span);

/** partial_room_settle() - nothing is on its way: unbook what is not needed */
void partial_room_settle(struct partial *partial);

/** partial_room_published() - it is an object now */
void partial_room_published(struct partial *partial);

/** partial_room_end() - unbook all; its files are closed, or about to be */
void partial_room_end(struct partial *partial);

/**
 * partial_room_none() - there is no room for @need bytes more
 * @err: -ENOSPC, or what the disk said
 *
 * Waits for a collection; if that would be in vain, all who wait are told @err and
 * what is here is given up.
 */
void partial_room_none(struct partial *partial, uint64_t need, int err);

/** partial_room_give_up() - no room can be made: tell all, forget what is here */
void partial_room_give_up(struct partial *partial, int err);

/** partial_room_forget() - close and remove the files; false: there were none */
bool partial_room_forget(struct partial *partial);

/* ---- set.c ---- */

/** partials_undecided() - a mirror may yet say that it has trees */
bool partials_undecided(const struct partials *partials);

/** partials_offered() - a mirror says that it has trees */
bool partials_offered(const struct partials *partials);

/** partials_without_range() - mirrors that do not do Range, as far as is known */
uint32_t partials_without_range(const struct partials *partials);

/** partials_range_came() - a mirror has sent a part */
void partials_range_came(struct partials *partials, size_t mirror);

/** partials_range_refused() - a mirror has sent something else, for one more object */
void partials_range_refused(struct partials *partials, size_t mirror);

/* ---- read.c ---- */

/** partial_can_read() - are these blocks here? */
bool partial_can_read(const struct partial *partial, uint64_t from, uint64_t to);

/* ---- job.c ---- */

/** partial_load() - IDLE to LOADING */
void partial_load(struct partial *partial);

/** partial_hash() - plain: hash what has come, if that is worth a job */
void partial_hash(struct partial *partial);

/** partial_finish() - ACTIVE to FINISHING: all is here */
void partial_finish(struct partial *partial);

/* ---- schedule.c ---- */

/** partial_pump() - ask for what may be asked for now */
void partial_pump(struct partial *partial);

/**
 * partial_without_tree() - mirrors that have no tree for us
 *
 * What is here from before is not given up just because no mirror has said yet what it has:
 * each is asked, then.
 */
uint32_t partial_without_tree(const struct partial *partial);

/** partial_start_timer() - for the next reader's deadline and the next round */
void partial_start_timer(struct partial *partial);

/** partial_timer_expired() - callback of struct partial's timer */
void partial_timer_expired(struct loop_timer *timer);

/* ---- range.c ---- */

/**
 * partial_range_start() - send a GET
 * @mirror: picked; it is reported
 *
 * Return: 0, -ENOMEM or -errno.
 */
int partial_range_start(struct partial *partial,
			const struct partial_span *span, size_t mirror);

/** partial_range_cancel() - it is not wanted; gone at once but for its job */
void partial_range_cancel(struct partial_range *range);

/** partial_range_advance() - start a job if there is something for one, or end */
void partial_range_advance(struct partial_range *range);

/** partial_range_free() - an idle one */
void partial_range_free(struct partial_range *range);

/* ---- tree.c ---- */

/** partial_tree_is_late() - a part of the tree that keeps all waiting */
bool partial_tree_is_late(const struct partial_range *range);

/**
 * partial_tree_is_not_now() - done without, because the object is to be had sooner?
 * @at_ms: when a mirror may be asked for the tree
 */
bool partial_tree_is_not_now(const struct partial *partial, uint64_t at_ms);

/** partial_tree_is_bad() - a part of the tree ended so that it is done without? */
bool partial_tree_is_bad(const struct partial_range *range,
			 enum fetch_result result);

/** partial_tree_give_up() - its mirror's tree: not asked for again for this object */
void partial_tree_give_up(struct partial_range *range, enum fetch_result result);

/* ---- pace.c ---- */

/** partial_look() - it is look_ms: take parts from mirrors that are slow */
void partial_look(struct partial *partial);

/** partial_watch_pace() - set look_ms if there is something to look at */
void partial_watch_pace(struct partial *partial);

/** partial_range_mark() - the pace is that of what comes from now on */
void partial_range_mark(struct partial_range *range);

/** partial_range_note_pace() - what came since tells how quick its mirror is */
void partial_range_note_pace(struct partial_range *range);

/* ---- check.c; on a pool thread ---- */

/** partial_check_chunks() - check and write; sets job_err and n_good */
void partial_check_chunks(struct partial_range *range);

/** partial_check_nodes() - the same for a part of the tree */
void partial_check_nodes(struct partial_range *range);

#endif /* FETCHER_PARTIAL_INTERNAL_H */
