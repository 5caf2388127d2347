// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Room for partial objects in the store (fetcher/ingest/quota.h).
 *
 * What is on its way is booked before it is asked for: the whole rest if all of the
 * object is wanted, else each part.  Of what is booked some is spoken for:
 *
 *	parts on their way
 *	what came into files without a name, which nobody else can count
 *	what fs-verity adds to the object when it is published
 *
 * What comes into named files has landed.  An object that finds no room waits for a
 * collection.  If that is in vain, all who wait for it are told, and what is here of
 * it goes: it can't be completed, and would be in the way of what can.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cache/store/store.h"
#include "fetcher/partial/internal.h"

#define BLOCK_LEN	VERITY_BLOCK_LEN

/* So often a partial object waits for a collection before it gives up. */
#define COLLECTIONS_MAX	3

/* So long who has it open is told that there is no room, once there was none. */
#define REFUSED_MS	5000

static struct fetch_room *room_of(const struct partial *partial)
{
	return &partial->partials->fetcher->room;
}

/* What fs-verity's tree of so many blocks takes beside them. */
static uint64_t verity_bytes(const struct partial *partial, uint64_t n)
{
	return n && cfs_store_has_verity(partial->partials->fetcher->store) ?
		       (n / (VERITY_HASHES - 1) + 2) * BLOCK_LEN : 0;
}

static uint64_t blocks_here(const struct partial *partial)
{
	return partial->map.bits[PARTIAL_DATA].here.n_set +
	       partial->map.bits[PARTIAL_NODES].here.n_set;
}

static uint64_t span_bytes(const struct partial *partial,
			   const struct partial_span *span)
{
	uint64_t n = span->to - span->from;

	return n * BLOCK_LEN +
	       (span->kind == PARTIAL_DATA ? verity_bytes(partial, n) : 0);
}

/* Book until @bytes are booked that nothing else is to take. */
static bool book(struct partial *partial, uint64_t bytes)
{
	uint64_t left = partial->booked - partial->spoken;

	return left >= bytes ||
	       fetch_room_book_bytes(room_of(partial), bytes - left,
				     &partial->booked);
}

uint64_t partial_room_rest(const struct partial *partial)
{
	const struct partial_map *map = &partial->map;
	uint64_t n = map->tree.n_data + (map->has_tree ? map->tree.n_blocks : 0);

	return (n - blocks_here(partial)) * BLOCK_LEN +
	       verity_bytes(partial, map->tree.n_data);
}

bool partial_room_for_rest(struct partial *partial)
{
	if (!partial->whole)
		partial->whole = book(partial, partial_room_rest(partial));
	return partial->whole;
}

bool partial_room_take(struct partial *partial, const struct partial_span *span)
{
	uint64_t bytes = span_bytes(partial, span);

	if (!partial->whole && !book(partial, bytes))
		return false;
	partial->spoken += bytes;
	return true;
}

/* Take it out of what is spoken for. */
static void release(struct partial *partial, uint64_t bytes)
{
	partial->spoken -= bytes < partial->spoken ? bytes : partial->spoken;
}

void partial_room_came(struct partial *partial, uint64_t n)
{
	if (n)
		partial->n_collections = 0;
	if (!partial->files.named)
		return;
	release(partial, n * BLOCK_LEN);
	fetch_room_landed(room_of(partial), n * BLOCK_LEN, &partial->booked);
}

void partial_room_left(struct partial *partial, const struct partial_span *span)
{
	release(partial, (span->to - span->from) * BLOCK_LEN);
}

void partial_room_settle(struct partial *partial)
{
	uint64_t n = partial->map.bits[PARTIAL_DATA].here.n_set;

	if (partial->whole && (partial->fill || partial->owner))
		return;
	partial->whole = false;
	partial->spoken = verity_bytes(partial, n);
	if (!partial->files.named)
		partial->spoken += blocks_here(partial) * BLOCK_LEN;
	if (partial->booked > partial->spoken)
		fetch_room_unbook_bytes(room_of(partial),
					partial->booked - partial->spoken,
					&partial->booked);
}

void partial_room_published(struct partial *partial)
{
	const struct partial_map *map = &partial->map;
	struct fetch_room *room = room_of(partial);
	uint64_t bytes = verity_bytes(partial, map->tree.n_data);

	if (!partial->files.named) {
		bytes += map->tree.n_data * BLOCK_LEN;
	} else {
		fetch_room_freed(room, map->tree.n_blocks * BLOCK_LEN);
		fetch_room_renamed(room, map->tree.n_data * BLOCK_LEN);
	}
	fetch_room_landed(room, bytes, &partial->booked);
	partial_room_end(partial);
}

void partial_room_end(struct partial *partial)
{
	fetch_room_unbook(room_of(partial), &partial->booked);
	partial->spoken = 0;
	partial->whole = false;
	if (partial->files.named)
		fetch_room_may_help(room_of(partial));
}

void partial_room_give_up(struct partial *partial, int err)
{
	uint64_t now_ms = loop_now_ms(partial->partials->fetcher->loop);
	struct partial_handle *handle;

	/*
	 * What is given up makes room for a while.  Without this a reader would get
	 * an error or none, depending on what the kernel reads ahead.
	 */
	LIST_FOREACH(handle, &partial->handles, entry)
		handle->refused_until_ms = now_ms + REFUSED_MS;
	partial->forget = true;
	partial->n_collections = 0;
	partial_fail(partial, FETCH_RESULT_LOCAL, err, strerror(-err));
}

void partial_room_none(struct partial *partial, uint64_t need, int err)
{
	if (partial->no_room)
		return;
	if (partial->n_collections == COLLECTIONS_MAX ||
	    !fetch_room_collect(room_of(partial), need)) {
		partial_room_give_up(partial, err);
		return;
	}
	partial->n_collections++;
	partial->no_room = true;
	partial->room_err = err;
}

bool partial_room_forget(struct partial *partial)
{
	struct cfs_store *store = partial->partials->fetcher->store;
	uint64_t bytes = 0;
	struct stat st;
	bool any = partial->files.data_fd >= 0;

	if (partial->files.named) {
		if (fstat(partial->files.data_fd, &st) == 0)
			bytes += (uint64_t)st.st_blocks * 512;
		if (fstat(partial->files.tree_fd, &st) == 0)
			bytes += (uint64_t)st.st_blocks * 512;
		cfs_partial_remove(store, &partial->digest);
	} else if (!any && partial->map.has_tree) {
		/* They could not be opened, or not be published. */
		(void)cfs_partial_evict(store, &partial->digest, &bytes);
	}
	cfs_partial_close(store, &partial->files);
	partial_room_end(partial);
	fetch_room_freed(room_of(partial), bytes);
	return any || bytes;
}
