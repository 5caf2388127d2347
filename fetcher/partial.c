// SPDX-License-Identifier: GPL-2.0-or-later
/* Partial objects: who wants them, what for, and their end. */
#include "fetcher/partial.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/container_of.h"
#include "cache/store.h"
#include "fetcher/mirrors.h"
#include "fetcher/partial_internal.h"

#define BLOCK_LEN	VERITY_BLOCK_LEN

/*
 * Reading on from where the last read ended makes the window grow, from nothing on
 * the first such read to what keeps a fast link with a long round trip busy.  A read
 * elsewhere is taken for a random one: nothing is fetched ahead of it.
 */
#define RUN_MIN		32		/* 128 KiB after the first read */
#define WINDOW_MAX	8192		/* 32 MiB */
#define NEAR_BLOCKS	64		/* the kernel reads ahead out of order */

/* Nobody waits longer than this for a mirror to say that it has trees. */
#define PATIENCE_MS	2000

bool partials_undecided(const struct partials *partials)
{
	const struct fetcher *fetcher = partials->fetcher;

	return !mirror_offers_settled(fetcher->offers) &&
	       loop_now_ms(fetcher->loop) < partials->patient_until_ms;
}

/* A mirror has said what it has: who waited for that goes on. */
static void offers_changed(struct mirror_offers_watcher *watcher)
{
	struct partials *partials =
		container_of(watcher, struct partials, watcher);
	struct partial *partial;

	LIST_FOREACH(partial, &partials->all, entry) {
		if (partial->asked || partial->n_gets)
			continue;
		partial->wake_ms = FETCH_NEVER;
		partial_settle(partial);
	}
}

int partials_new(struct fetcher *fetcher, struct partials **ret)
{
	struct partials *partials = calloc(1, sizeof(*partials));

	if (!partials)
		return -ENOMEM;
	partials->fetcher = fetcher;
	LIST_INIT(&partials->all);
	TAILQ_INIT(&partials->idle);
	partials->patient_until_ms = loop_now_ms(fetcher->loop) + PATIENCE_MS;
	partials->watcher.changed = offers_changed;
	mirror_offers_watch(fetcher->offers, &partials->watcher);
	*ret = partials;
	return 0;
}

static void partial_free(struct partial *partial)
{
	struct fetcher *fetcher = partial->partials->fetcher;

	loop_timer_stop(fetcher->loop, &partial->timer);
	loop_undefer(fetcher->loop, &partial->settle);
	fetch_room_unbook(&fetcher->room, &partial->booked);
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

static bool can_read(const struct partial *partial, uint64_t from, uint64_t to)
{
	if (partial->state == PARTIAL_DONE)
		return true;
	return (partial->state == PARTIAL_ACTIVE ||
		partial->state == PARTIAL_FINISHING) &&
	       partial->map.has_tree && partial_map_has(&partial->map, from, to);
}

/* Readers have wanted so much of it that the rest is worth having, too. */
static bool is_worth_it(const struct partial *partial)
{
	const struct partial_bits *data = &partial->map.bits[PARTIAL_DATA];
	unsigned int percent = partial->partials->fetcher->config->fill_percent;

	return percent < 100 && data->n_here * 100 >= data->n * percent &&
	       data->n_here;
}

void partial_woken(struct partial *partial)
{
	struct partial_reader *reader, *next;

	for (reader = TAILQ_FIRST(&partial->readers); reader; reader = next) {
		next = TAILQ_NEXT(reader, entry);
		if (!can_read(partial, reader->from, reader->to))
			continue;
		partial_leave(reader);
		reader->done(reader, 0);
	}
	if (partial->state == PARTIAL_DONE)
		tell_owner(partial, 0);
	else if (!partial->fill && is_worth_it(partial))
		partial->fill = fetch_room_book(&partial->partials->fetcher->room,
						partial->size, &partial->booked);
	partial_hash(partial);
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

	/* The owner says so for itself. */
	if (!partial->owner && !TAILQ_EMPTY(&partial->readers))
		fetcher_log(fetcher, &event);
	if (err == -ENOSPC || err == -EDQUOT)
		fetch_room_collect(&fetcher->room);
	partial->fill = false;
	partial->failed = true;
	tell_readers(partial, err);
	tell_owner(partial, err);
	partial_settle(partial);
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

/* Nothing here is of use: one GET for the whole, of one mirror. */
static void go_stream(struct partial *partial)
{
	struct fetcher *fetcher = partial->partials->fetcher;
	int err;

	cfs_partial_close(fetcher->store, &partial->files);
	partial->state = PARTIAL_STREAM;
	partial->fill = false;
	/* The fetch that owns it goes on by itself; else one is made. */
	tell_owner(partial, -EOPNOTSUPP);
	if (TAILQ_EMPTY(&partial->readers))
		return;
	partial->stream.done = stream_done;
	err = fetch_object(fetcher, &partial->digest, partial->size,
			   FETCH_DEMAND, &partial->stream);
	if (err < 0)
		tell_readers(partial, err);
}

/* Without a tree nothing that is here can be told from what is not. */
static int go_plain(struct partial *partial)
{
	struct fetcher *fetcher = partial->partials->fetcher;

	cfs_partial_close(fetcher->store, &partial->files);
	partial_map_free(&partial->map);
	partial->state = PARTIAL_IDLE;
	partial->fill = true;
	partial->hashed = 0;
	cfs_verity_hash_reset(partial->hash);
	return partial_map_init(&partial->map, partial->size, false);
}

static void take_turn(struct partial *partial)
{
	enum partial_turn turn = partial->turn;
	int err = 0;

	partial->turn = TURN_NONE;
	if (turn == TURN_STREAM)
		go_stream(partial);
	else if (turn == TURN_PLAIN)
		err = go_plain(partial);
	if (err < 0)
		partial_fail(partial, FETCH_RESULT_LOCAL, err, "out of memory");
}

/* What there is to do, now that nothing else runs. */
static void settle(struct loop_deferred *deferred)
{
	struct partial *partial = container_of(deferred, struct partial, settle);
	struct partials *partials = partial->partials;
	bool stays = is_wanted(partial) ||
		     (partial->fill && partial->state != PARTIAL_DONE);

	if (partials->stopping || !stays || partial->turn != TURN_NONE)
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
		if (partial->turn != TURN_NONE)
			take_turn(partial);
		if (partial->state == PARTIAL_IDLE &&
		    (partial->fill || partial->owner ||
		     !TAILQ_EMPTY(&partial->readers)))
			partial_load(partial);
		else if (partial->state == PARTIAL_ACTIVE &&
			 partial_map_whole(&partial->map))
			partial_finish(partial);
	}
	partial_pump(partial);
}

void partial_settle(struct partial *partial)
{
	loop_defer(partial->partials->fetcher->loop, &partial->settle);
}

/* Does any mirror say that it has trees? */
static bool trees_offered(const struct partials *partials)
{
	const struct fetcher *fetcher = partials->fetcher;

	for (size_t i = 0; i < mirrors_count(fetcher->mirrors); i++)
		if (mirror_offers(fetcher->offers, i, CFS_MIRROR_VERITY))
			return true;
	return false;
}

bool partials_readable(const struct partials *partials,
		       const struct cfs_digest *digest, uint64_t size)
{
	return size != FETCH_SIZE_UNKNOWN &&
	       size >= partials->fetcher->config->large_size &&
	       size > BLOCK_LEN &&
	       (trees_offered(partials) || partials_undecided(partials) ||
		cfs_partial_exists(partials->fetcher->store, digest));
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
	if (cfs_verity_hash_new(&partial->hash) < 0 ||
	    partial_map_init(&partial->map, size, has_tree) < 0) {
		cfs_verity_hash_free(partial->hash);
		free(partial);
		return NULL;
	}
	partial->partials = partials;
	partial->digest = *digest;
	partial->size = size;
	partial->started_ms = loop_now_ms(partials->fetcher->loop);
	partial->sequence = ++partials->fetcher->sequence;
	partial->files = (struct cfs_partial){ -1, -1, -1, false };
	partial->wake_ms = FETCH_NEVER;
	partial->timer.expired = partial_timer_expired;
	partial->settle.call = settle;
	TAILQ_INIT(&partial->readers);
	LIST_INIT(&partial->handles);
	TAILQ_INIT(&partial->ranges);
	LIST_INSERT_HEAD(&partials->all, partial, entry);
	return partial;
}

int partial_open(struct partials *partials, const struct cfs_digest *digest,
		 uint64_t size, struct partial_handle **ret)
{
	struct partial_handle *handle = calloc(1, sizeof(*handle));
	struct partial *partial = find(partials, digest);

	if (!partial)
		partial = partial_new(partials, digest, size, true);
	if (!handle || !partial) {
		free(handle);
		if (partial)
			partial_settle(partial);
		return -ENOMEM;
	}
	handle->partial = partial;
	LIST_INSERT_HEAD(&partial->handles, handle, entry);
	/* Who opens will read. */
	if (partial->state == PARTIAL_IDLE && !partial->working)
		partial_load(partial);
	*ret = handle;
	return 0;
}

/* What will be read next, as far as that can be told. */
static void look_ahead(struct partial_handle *handle, uint64_t from, uint64_t to)
{
	bool goes_on = handle->next && from <= handle->next + NEAR_BLOCKS &&
		       to + NEAR_BLOCKS >= handle->next;

	if (!goes_on) {
		handle->run = 0;
		handle->window = 0;
	}
	if (goes_on && to > handle->next)
		handle->run += to - handle->next;
	if (!goes_on || to > handle->next)
		handle->next = to;
	if (handle->run >= RUN_MIN) {
		handle->window = 2 * handle->run;
		if (handle->window > WINDOW_MAX)
			handle->window = WINDOW_MAX;
	}
}

int partial_read(struct partial_handle *handle, uint64_t offset, uint64_t len,
		 struct partial_reader *reader)
{
	struct partial *partial = handle->partial;
	struct partials *partials = partial->partials;
	const struct fetch_config *config = partials->fetcher->config;

	if (offset >= partial->size || !len)
		return 0;
	if (len > partial->size - offset)
		len = partial->size - offset;
	if (partials->stopping)
		return -ESHUTDOWN;
	reader->from = offset / BLOCK_LEN;
	reader->to = (offset + len - 1) / BLOCK_LEN + 1;
	partials->stats.reads++;
	look_ahead(handle, reader->from, reader->to);
	partial_settle(partial);
	if (can_read(partial, reader->from, reader->to))
		return 0;
	partials->stats.waits++;
	reader->partial = partial;
	reader->deadline_ms = config->hard ? FETCH_NEVER :
			      loop_now_ms(partials->fetcher->loop) +
				      config->deadline_ms;
	TAILQ_INSERT_TAIL(&partial->readers, reader, entry);
	partial->fill |= !partial->map.has_tree;
	/* A stream that had failed is tried again. */
	if (partial->state == PARTIAL_STREAM && !partial->stream.fetch)
		partial->turn = TURN_STREAM;
	return PARTIAL_WAIT;
}

int partial_fd(const struct partial_handle *handle)
{
	return handle->partial->files.read_fd;
}

void partial_leave(struct partial_reader *reader)
{
	struct partial *partial = reader->partial;

	if (!partial)
		return;
	reader->partial = NULL;
	TAILQ_REMOVE(&partial->readers, reader, entry);
	partial_settle(partial);
}

void partial_close(struct partial_handle *handle)
{
	LIST_REMOVE(handle, entry);
	partial_settle(handle->partial);
	free(handle);
}

int partial_fetch(struct partials *partials, const struct cfs_digest *digest,
		  uint64_t size, struct partial_owner *owner)
{
	struct partial *partial = find(partials, digest);

	if (!partial)
		partial = partial_new(partials, digest, size,
				      trees_offered(partials));
	if (!partial)
		return -ENOMEM;
	if (partial->state == PARTIAL_STREAM || partial->turn == TURN_STREAM)
		return -EOPNOTSUPP;
	partial->owner = owner;
	partial->fill = true;
	owner->partial = partial;
	owner->n_here = partial->map.bits[PARTIAL_DATA].n_here;
	partial_settle(partial);
	return 0;
}

uint64_t partial_received(const struct partial_owner *owner)
{
	const struct partial *partial = owner->partial;
	uint64_t here = partial->map.bits[PARTIAL_DATA].n_here * BLOCK_LEN;

	return here < partial->size ? here : partial->size;
}

bool partial_progressed(const struct partial_owner *owner)
{
	return owner->partial->map.bits[PARTIAL_DATA].n_here > owner->n_here ||
	       owner->partial->state == PARTIAL_FINISHING;
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

void partials_stop(struct partials *partials)
{
	struct partial *partial;

	partials->stopping = true;
	LIST_FOREACH(partial, &partials->all, entry) {
		tell_readers(partial, -ESHUTDOWN);
		tell_owner(partial, -ESHUTDOWN);
		partial_settle(partial);
	}
}

bool partials_busy(const struct partials *partials)
{
	return partials->n_jobs || partials->n_gets;
}

void partials_free(struct partials *partials)
{
	struct partial_handle *handle;
	struct partial_range *range;
	struct partial *partial;

	if (!partials)
		return;
	mirror_offers_unwatch(&partials->watcher);
	while ((partial = LIST_FIRST(&partials->all))) {
		while ((handle = LIST_FIRST(&partial->handles))) {
			LIST_REMOVE(handle, entry);
			free(handle);
		}
		partial_free(partial);
	}
	while ((range = TAILQ_FIRST(&partials->idle))) {
		TAILQ_REMOVE(&partials->idle, range, entry);
		partial_range_free(range);
	}
	free(partials);
}

unsigned int partials_n_gets(const struct partials *partials)
{
	return partials->n_gets;
}

void partials_pump(struct partials *partials)
{
	struct partial *partial, *next;

	for (partial = LIST_FIRST(&partials->all); partial; partial = next) {
		next = LIST_NEXT(partial, entry);
		partial_pump(partial);
	}
}

const struct partial_stats *partials_stats(const struct partials *partials)
{
	return &partials->stats;
}
