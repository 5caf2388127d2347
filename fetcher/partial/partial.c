// SPDX-License-Identifier: GPL-2.0-or-later
/* Partial objects: who wants them, what for, and their end. */
#include "fetcher/partial/partial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/container_of.h"
#include "cache/base/descriptor_limit.h"
#include "cache/store/store.h"
#include "fetcher/partial/internal.h"

/* What a full disk is asked to free for readers, if not for the whole. */
#define NEED_MOST	((uint64_t)16 << 20)

void partial_free(struct partial *partial)
{
	struct fetcher *fetcher = partial->partials->fetcher;

	loop_timer_stop(fetcher->loop, &partial->timer);
	loop_undefer(fetcher->loop, &partial->settle);
	partial_room_end(partial);
	cfs_partial_close(fetcher->store, &partial->files);
	partial_map_free(&partial->map);
	cfs_verity_hash_free(partial->hash);
	LIST_REMOVE(partial, entry);
	free(partial);
}

static void tell_owner(struct partial *partial, int err)
{
	struct partial_owner *owner = partial->owner;

	partial->owner = NULL;
	if (!owner)
		return;
	owner->partial = NULL;
	owner->done(owner, err);
}

static void tell_readers(struct partial *partial, int err)
{
	const struct partial_reader *last = TAILQ_LAST(&partial->readers,
						       partial_readers);
	struct partial_reader *reader;
	bool more = last;

	/* Who is told may ask again at once: that is for later. */
	while (more && (reader = TAILQ_FIRST(&partial->readers))) {
		more = reader != last;
		partial_leave(reader);
		reader->done(reader, err);
	}
}

void partial_tell(struct partial *partial, int err)
{
	tell_readers(partial, err);
	tell_owner(partial, err);
}

/* Readers have wanted so much of it that the rest is worth having, too. */
static bool is_worth_it(const struct partial *partial)
{
	uint64_t n_here = partial->map.bits[PARTIAL_DATA].here.n_set;
	unsigned int percent = partial->partials->fetcher->config->fill_percent;

	return percent < 100 && n_here &&
	       n_here * 100 >= partial->map.tree.n_data * percent;
}

void partial_woken(struct partial *partial)
{
	struct partial_reader *reader, *next;

	for (reader = TAILQ_FIRST(&partial->readers); reader; reader = next) {
		next = TAILQ_NEXT(reader, entry);
		if (!partial_can_read(partial, reader->from, reader->to))
			continue;
		partial_leave(reader);
		reader->done(reader, 0);
	}
	if (partial->state == PARTIAL_DONE)
		tell_owner(partial, 0);
	else if (!partial->fill && is_worth_it(partial))
		partial->fill = partial_room_for_rest(partial);
	partial_hash(partial);
}

void partial_wait_for_descriptors(struct partial *partial)
{
	struct fetcher *fetcher = partial->partials->fetcher;

	fetch_lacked_descriptors(fetcher);
	partial->wake_ms = loop_now_ms(fetcher->loop) + FETCH_LACK_MS;
	partial_settle(partial);
}

void partial_fail(struct partial *partial, enum fetch_result result, int err,
		  const char *reason)
{
	struct fetcher *fetcher = partial->partials->fetcher;
	struct fetch_event event = {
		.digest = &partial->digest,
		.ms = loop_now_ms(fetcher->loop) - partial->started_ms,
		.result = result,
		.err = err,
		.reason = reason,
		.final = true,
	};

	if (is_descriptor_error(err)) {
		partial->failed = true;
		partial_wait_for_descriptors(partial);
		return;
	}
	/* The owner says so for itself. */
	if (!partial->owner && !TAILQ_EMPTY(&partial->readers))
		fetcher_log(fetcher, &event);
	partial->fill = false;
	partial->failed = true;
	partial_tell(partial, err);
	partial_settle(partial);
}

void partial_store_failed(struct partial *partial, int err)
{
	uint64_t need = partial_room_rest(partial);

	if (err != -ENOSPC && err != -EDQUOT) {
		partial_fail(partial, FETCH_RESULT_LOCAL, err, strerror(-err));
		return;
	}
	if (!partial->owner && need > NEED_MOST)
		need = NEED_MOST;
	partial_room_none(partial, need, err);
}

static bool is_wanted(const struct partial *partial)
{
	return partial->owner || !LIST_EMPTY(&partial->handles) ||
	       !TAILQ_EMPTY(&partial->readers);
}

/* All parts, or those that came and wait for what vouches for them. */
static void cancel_parts(struct partial *partial, bool all)
{
	struct partial_range *range, *next;

	for (range = TAILQ_FIRST(&partial->ranges); range; range = next) {
		next = TAILQ_NEXT(range, entry);
		if (all || (!range->active && !range->working))
			partial_range_cancel(range);
	}
}

static void stream_done(struct fetch_waiter *waiter, int err)
{
	struct partial *partial = container_of(waiter, struct partial, stream);
	struct cfs_store *store = partial->partials->fetcher->store;

	if (err == 0) {
		err = cfs_store_get(store, &partial->digest,
				    &partial->files.read_fd);
		if (err > 0)
			err = -EIO;
	}
	partial->state = err < 0 ? PARTIAL_IDLE : PARTIAL_DONE;
	if (err < 0)
		tell_readers(partial, err);
	else
		partial_woken(partial);
	partial_settle(partial);
}

/* IDLE, with nothing here. */
static void begin_anew(struct partial *partial, bool has_tree)
{
	partial_map_free(&partial->map);
	partial_map_init(&partial->map, partial->size, has_tree);
	partial->state = PARTIAL_IDLE;
}

/* Nothing here is of use: one GET for the whole, of one mirror. */
static void go_stream(struct partial *partial)
{
	struct fetcher *fetcher = partial->partials->fetcher;
	int err;

	partial_room_end(partial);
	cfs_partial_close(fetcher->store, &partial->files);
	partial->state = PARTIAL_STREAM;
	partial->fill = false;
	/* The fetch that owns it goes on by itself; else one is made. */
	tell_owner(partial, -EOPNOTSUPP);
	if (TAILQ_EMPTY(&partial->readers)) {
		partial_settle(partial);	/* it may be of no use any more */
		return;
	}
	partial->stream.done = stream_done;
	err = fetch_object(fetcher, &partial->digest, partial->size,
			   FETCH_DEMAND, &partial->stream);
	if (err < 0)
		tell_readers(partial, err);
}

/* Without a tree nothing that is here can be told from what is not. */
static void go_plain(struct partial *partial)
{
	partial_room_end(partial);
	cfs_partial_close(partial->partials->fetcher->store, &partial->files);
	partial->fill = true;
	begin_anew(partial, false);
}

bool partial_shed(struct partial *partial)
{
	partial->forget = false;
	if (partial->state != PARTIAL_ACTIVE && partial->state != PARTIAL_IDLE)
		return false;
	partial->fill = false;
	if (!partial_room_forget(partial))
		return false;
	begin_anew(partial, partial->map.has_tree);
	return true;
}

static void take_turn(struct partial *partial)
{
	enum partial_turn turn = partial->turn;

	partial->turn = TURN_NONE;
	if (turn == TURN_STREAM)
		go_stream(partial);
	else if (turn == TURN_PLAIN)
		go_plain(partial);
}

/*
 * All of it is wanted: is there room for it?  Who wants it is told if not; those who
 * read some of it go on, if its blocks can be checked alone.
 */
static bool has_room_for_all(struct partial *partial)
{
	bool must = !partial->map.has_tree && !TAILQ_EMPTY(&partial->readers);

	if (!(partial->owner || partial->fill || must) ||
	    partial_room_for_rest(partial))
		return true;
	if (partial->owner) {
		partial->owner->need = partial_room_rest(partial);
		tell_owner(partial, -ENOSPC);
	}
	if (must)
		partial_room_none(partial, partial_room_rest(partial), -ENOSPC);
	else
		partial->fill = false;
	return false;
}

/* To the next state, if there is any use of it. */
static void go_on(struct partial *partial)
{
	bool use = partial->fill || partial->owner ||
		   !TAILQ_EMPTY(&partial->readers);

	if (partial->state == PARTIAL_ACTIVE &&
	    partial_map_whole(&partial->map))
		partial_finish(partial);
	else if (partial->state == PARTIAL_IDLE && use &&
		 partial->wake_ms == FETCH_NEVER &&
		 (partial->map.has_tree || has_room_for_all(partial)))
		partial_load(partial);
}

/* What there is to do, now that nothing else runs. */
static void settle(struct loop_deferred *deferred)
{
	struct partial *partial = container_of(deferred, struct partial, settle);
	struct partials *partials = partial->partials;
	bool stays = is_wanted(partial) ||
		     (partial->fill && partial->state != PARTIAL_DONE);

	if (partials->stopping || !stays || partial->turn != TURN_NONE ||
	    partial->forget)
		cancel_parts(partial, true);
	else if (partial->failed)
		cancel_parts(partial, false);
	partial->failed = false;
	if (TAILQ_EMPTY(&partial->ranges) && !partial->working) {
		if (partials->stopping || !stays) {
			fetch_leave(partials->fetcher, &partial->stream);
			loop_defer(partials->fetcher->loop,
				   &partials->fetcher->turn);
			if (LIST_EMPTY(&partial->handles))
				partial_free(partial);
			return;
		}
		if (partial->forget)
			(void)partial_shed(partial);
		if (partial->turn != TURN_NONE)
			take_turn(partial);
		if (partial->state == PARTIAL_ACTIVE)
			partial_room_settle(partial);
		if (!partial->no_room)
			go_on(partial);
	}
	if (partial->state == PARTIAL_ACTIVE && !partial->no_room)
		(void)has_room_for_all(partial);
	partial_pump(partial);
}

void partial_settle(struct partial *partial)
{
	loop_defer(partial->partials->fetcher->loop, &partial->settle);
}

static struct partial *find(struct partials *partials,
			    const struct cfs_digest *digest)
{
	struct partial *partial;

	LIST_FOREACH(partial, &partials->all, entry)
		if (partial->state != PARTIAL_DONE &&
		    cfs_digest_equal(&partial->digest, digest))
			return partial;
	return NULL;
}

static struct partial *partial_new(struct partials *partials,
				   const struct cfs_digest *digest,
				   uint64_t size, bool has_tree)
{
	struct partial *partial = calloc(1, sizeof(*partial));

	if (!partial)
		return NULL;
	if (cfs_verity_hash_new(&partial->hash) < 0) {
		free(partial);
		return NULL;
	}
	partial_map_init(&partial->map, size, has_tree);
	partial->partials = partials;
	partial->digest = *digest;
	partial->size = size;
	partial->started_ms = loop_now_ms(partials->fetcher->loop);
	partial->sequence = ++partials->fetcher->sequence;
	partial->files = (struct cfs_partial){ -1, -1, -1, false };
	partial->wake_ms = FETCH_NEVER;
	partial->look_ms = FETCH_NEVER;
	partial->no_parts = partials_without_range(partials);
	partial->timer.expired = partial_timer_expired;
	partial->settle.call = settle;
	TAILQ_INIT(&partial->readers);
	LIST_INIT(&partial->handles);
	TAILQ_INIT(&partial->ranges);
	LIST_INSERT_HEAD(&partials->all, partial, entry);
	return partial;
}

struct partial *partial_get(struct partials *partials,
			    const struct cfs_digest *digest, uint64_t size,
			    bool has_tree)
{
	struct partial *partial = find(partials, digest);

	return partial ? partial : partial_new(partials, digest, size, has_tree);
}

int partial_fetch(struct partials *partials, const struct cfs_digest *digest,
		  uint64_t size, struct partial_owner *owner)
{
	struct partial *partial = partial_get(partials, digest, size,
					      partials_offered(partials));

	if (!partial)
		return -ENOMEM;
	if (partial->state == PARTIAL_STREAM || partial->turn == TURN_STREAM)
		return -EOPNOTSUPP;
	partial->owner = owner;
	partial->fill = true;
	owner->partial = partial;
	owner->n_here = partial->map.bits[PARTIAL_DATA].here.n_set;
	owner->need = 0;
	partial_settle(partial);
	return 0;
}

uint64_t partial_received(const struct partial_owner *owner)
{
	const struct partial *partial = owner->partial;
	uint64_t here = partial->map.bits[PARTIAL_DATA].here.n_set *
			VERITY_BLOCK_LEN;

	return here < partial->size ? here : partial->size;
}

bool partial_progressed(struct partial_owner *owner)
{
	const struct partial *partial = owner->partial;
	uint64_t before = owner->n_here;

	owner->n_here = partial->map.bits[PARTIAL_DATA].here.n_set;
	return owner->n_here > before || partial->state == PARTIAL_FINISHING;
}

bool partial_heard(const struct partial_owner *owner)
{
	return owner->partial->heard;
}

void partial_abandon(struct partial_owner *owner)
{
	struct partial *partial = owner->partial;

	if (!partial)
		return;
	owner->partial = NULL;
	partial->owner = NULL;
	/* What nobody waits for stays here, and is gone on with another time. */
	partial->fill = !partial->map.has_tree && !TAILQ_EMPTY(&partial->readers);
	partial_settle(partial);
}
