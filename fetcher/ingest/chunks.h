/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory that downloads pass through: a fixed number of chunks, made when
 * first needed and used again last in, first out, so that what stays resident is
 * what was needed at once.
 *
 * Who finds none left waits in line; chunk_pool_put() calls one of them for each
 * chunk that comes back.
 *
 * Ownership: chunk_pool_new() gives the caller a pool to chunk_pool_free(), after
 * all chunks are back.  A chunk is owned by who got it until chunk_pool_put().
 * Single-threaded; the bytes of a chunk may be read on other threads.
 */
#ifndef FETCHER_INGEST_CHUNKS_H
#define FETCHER_INGEST_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct chunk_pool;

/*
 * Holds four of five objects of a distribution whole, and is hashed in less time
 * than it takes to hand it to a thread and back several times over.
 */
#define CHUNK_LEN	(32 * 1024)

struct chunk {
	STAILQ_ENTRY(chunk) entry;	/* for who owns it */
	size_t len;			/* bytes of @data that are filled */
	bool hashed, written;
	uint8_t *data;			/* CHUNK_LEN bytes, page-aligned */
};

STAILQ_HEAD(chunk_list, chunk);

/** struct chunk_waiter - zeroed before its first use */
struct chunk_waiter {
	void (*ready)(struct chunk_waiter *waiter);
	/* private: */
	TAILQ_ENTRY(chunk_waiter) entry;
	bool queued;
};

/**
 * chunk_pool_new() - a pool of at most @n_max chunks
 *
 * Return: 0 or -ENOMEM.
 */
int chunk_pool_new(size_t n_max, struct chunk_pool **ret);

/** chunk_pool_free() - NULL is allowed */
void chunk_pool_free(struct chunk_pool *pool);

/** chunk_pool_get() - an empty chunk, or NULL if there is none now */
struct chunk *chunk_pool_get(struct chunk_pool *pool);

/** chunk_pool_put() - give a chunk back; may call a waiter, which may get it */
void chunk_pool_put(struct chunk_pool *pool, struct chunk *chunk);

/** chunk_pool_wait() - be called once, when there is a chunk; idempotent */
void chunk_pool_wait(struct chunk_pool *pool, struct chunk_waiter *waiter);

/** chunk_pool_leave() - not be called any more; idempotent */
void chunk_pool_leave(struct chunk_pool *pool, struct chunk_waiter *waiter);

/** chunk_pool_wake() - a waiter that was called had no need: call the next one */
void chunk_pool_wake(struct chunk_pool *pool);

/** chunk_pool_n_free() - how many could be got now */
size_t chunk_pool_n_free(const struct chunk_pool *pool);

#endif /* FETCHER_INGEST_CHUNKS_H */
