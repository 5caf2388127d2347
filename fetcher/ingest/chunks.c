// SPDX-License-Identifier: GPL-2.0-or-later
/* A fixed number of chunks, and the line of those who wait for one. */
#include "fetcher/ingest/chunks.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

struct chunk_pool {
	struct chunk_list idle;
	TAILQ_HEAD(, chunk_waiter) waiters;
	size_t n_max, n_made, n_used;
};

int chunk_pool_new(size_t n_max, struct chunk_pool **ret)
{
	struct chunk_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return -ENOMEM;
	STAILQ_INIT(&pool->idle);
	TAILQ_INIT(&pool->waiters);
	pool->n_max = n_max;
	*ret = pool;
	return 0;
}

static void chunk_free(struct chunk *chunk)
{
	munmap(chunk->data, CHUNK_LEN);
	free(chunk);
}

void chunk_pool_free(struct chunk_pool *pool)
{
	struct chunk *chunk;

	if (!pool)
		return;
	while ((chunk = STAILQ_FIRST(&pool->idle))) {
		STAILQ_REMOVE_HEAD(&pool->idle, entry);
		chunk_free(chunk);
	}
	free(pool);
}

/* Mapped, not from the heap: a big chunk there would pin what surrounds it. */
static struct chunk *chunk_new(struct chunk_pool *pool)
{
	struct chunk *chunk;

	if (pool->n_made == pool->n_max)
		return NULL;
	chunk = calloc(1, sizeof(*chunk));
	if (!chunk)
		return NULL;
	chunk->data = mmap(NULL, CHUNK_LEN, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (chunk->data == MAP_FAILED) {
		free(chunk);
		return NULL;
	}
	pool->n_made++;
	return chunk;
}

struct chunk *chunk_pool_get(struct chunk_pool *pool)
{
	struct chunk *chunk = STAILQ_FIRST(&pool->idle);

	if (chunk)
		STAILQ_REMOVE_HEAD(&pool->idle, entry);
	else
		chunk = chunk_new(pool);
	if (!chunk)
		return NULL;
	chunk->len = 0;
	chunk->hashed = false;
	chunk->written = false;
	pool->n_used++;
	return chunk;
}

void chunk_pool_put(struct chunk_pool *pool, struct chunk *chunk)
{
	STAILQ_INSERT_HEAD(&pool->idle, chunk, entry);
	pool->n_used--;
	chunk_pool_wake(pool);
}

void chunk_pool_wake(struct chunk_pool *pool)
{
	struct chunk_waiter *waiter = TAILQ_FIRST(&pool->waiters);

	if (!waiter || chunk_pool_n_free(pool) == 0)
		return;
	chunk_pool_leave(pool, waiter);
	waiter->ready(waiter);
}

void chunk_pool_wait(struct chunk_pool *pool, struct chunk_waiter *waiter)
{
	if (waiter->queued)
		return;
	waiter->queued = true;
	TAILQ_INSERT_TAIL(&pool->waiters, waiter, entry);
}

void chunk_pool_leave(struct chunk_pool *pool, struct chunk_waiter *waiter)
{
	if (!waiter->queued)
		return;
	waiter->queued = false;
	TAILQ_REMOVE(&pool->waiters, waiter, entry);
}

size_t chunk_pool_n_free(const struct chunk_pool *pool)
{
	return pool->n_max - pool->n_used;
}
