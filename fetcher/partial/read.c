// SPDX-License-Identifier: GPL-2.0-or-later
/* Who reads a partial object, and what is fetched ahead of them. */
#include <errno.h>
#include <stdlib.h>

#include "fetcher/partial/internal.h"

#define BLOCK_LEN	VERITY_BLOCK_LEN

/*
 * Reading on from where the last read ended makes the window grow, from nothing on
 * the first such read to what keeps a fast link with a long round trip busy.  A read
 * elsewhere is taken for a random one: nothing is fetched ahead of it.
 */
#define RUN_MIN		32		/* 128 KiB after the first read */
#define WINDOW_MAX	8192		/* 32 MiB */
#define NEAR_BLOCKS	64		/* the kernel reads ahead out of order */

bool partial_can_read(const struct partial *partial, uint64_t from, uint64_t to)
{
	if (partial->state == PARTIAL_DONE)
		return true;
	return (partial->state == PARTIAL_ACTIVE ||
		partial->state == PARTIAL_FINISHING) &&
	       partial->map.has_tree && partial_map_has(&partial->map, from, to);
}

/* What can never be completed is not begun. */
static bool refuse(struct partials *partials, const struct cfs_digest *digest,
		   uint64_t size)
{
	struct fetcher *fetcher = partials->fetcher;
	const char *why = fetch_room_never(&fetcher->room, size);
	struct fetch_event event = {
		.digest = digest,
		.result = FETCH_RESULT_LOCAL,
		.err = -ENOSPC,
		.reason = why,
		.final = true,
	};

	if (why)
		fetcher_log(fetcher, &event);
	return why;
}

int partial_open(struct partials *partials, const struct cfs_digest *digest,
		 uint64_t size, struct partial_handle **ret)
{
	struct partial_handle *handle;
	struct partial *partial;

	if (refuse(partials, digest, size))
		return -ENOSPC;
	handle = calloc(1, sizeof(*handle));
	partial = partial_get(partials, digest, size, true);
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
	if (partial_can_read(partial, reader->from, reader->to))
		return 0;
	if (loop_now_ms(partials->fetcher->loop) < handle->refused_until_ms)
		return -ENOSPC;
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

const struct cfs_digest *partial_digest(const struct partial_handle *handle)
{
	return &handle->partial->digest;
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
