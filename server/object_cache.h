/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files being served, and a bounded memory of the hot ones.
 *
 * An object never changes, so what was read once can be sent again: small ones
 * stay in memory, of larger ones the open descriptor is kept (the page cache has
 * their bytes).  The least recently used go first.  After OBJECT_CACHE_MS one is
 * opened anew all the same, so that what was removed from the store, or healed,
 * does not live on here.
 *
 * Ownership: object_cache_new() gives the caller a cache to object_cache_free()
 * once all references are gone.  Every struct object returned carries a
 * reference, the caller's, to object_unref().  Digests passed in are copied.
 *
 * Invariant: bytes in memory, referenced or not, never exceed max_bytes; what
 * would not fit is served from its descriptor.
 *
 * Single-threaded: each worker has its own.
 */
#ifndef SERVER_OBJECT_CACHE_H
#define SERVER_OBJECT_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/verity/digest.h"
#include "server/http_condition.h"
#include "server/http_response.h"

/* Up to this size the bytes are kept, above it the descriptor. */
#define OBJECT_LOAD_MAX		65536
#define OBJECT_CACHE_MS		60000

struct object_cache;

struct object {
	struct object *next;		/* in its hash chain */
	struct object *newer, *older;	/* while cached */
	struct cfs_digest digest;
	unsigned int n_refs;
	bool cached;
	int64_t opened_ms;
	int fd;				/* -1 once loaded */
	char *data;			/* NULL unless loaded or being loaded */
	uint64_t size;
	char etag[HTTP_ETAG_MAX];
	time_t modified;
	char modified_text[HTTP_DATE_MAX];
};

/**
 * object_cache_new() - an empty cache
 * @max_bytes: of small objects in memory
 * @max_fds: descriptors of larger ones kept open while nobody uses them
 *
 * Return: the cache, or NULL without memory.
 */
struct object_cache *object_cache_new(size_t max_bytes, unsigned int max_fds);

/** object_cache_free() - NULL is allowed; no object may be referenced any more */
void object_cache_free(struct object_cache *cache);

/**
 * object_cache_get() - the cached object of a digest
 * @now_ms: the time, to drop what is too old
 *
 * Return: a reference, or NULL if it has to be opened.
 */
struct object *object_cache_get(struct object_cache *cache,
				const struct cfs_digest *digest,
				int64_t now_ms);

/**
 * object_new() - an object of an open file
 * @fd: the file; owned by the object from now on, also on failure
 * @size: its size in bytes
 *
 * Its entity tag and its date are still to be set.
 *
 * Return: a reference, or NULL without memory.
 */
struct object *object_new(int fd, uint64_t size);

/**
 * object_reserve() - get room to load a small object into
 *
 * Sets ->data to ->size bytes for the caller to fill; then object_loaded().
 *
 * Return: false if it is too large, or no room could be made.
 */
bool object_reserve(struct object_cache *cache, struct object *object);

/** object_loaded() - its bytes are all there: the descriptor is not needed */
void object_loaded(struct object *object);

/**
 * object_cache_add() - remember an object under its digest
 *
 * Does nothing if another one of that digest is there: both are right.
 */
void object_cache_add(struct object_cache *cache, struct object *object,
		      const struct cfs_digest *digest, int64_t now_ms);

/** object_cache_shrink() - close every descriptor nobody uses */
void object_cache_shrink(struct object_cache *cache);

/** object_unref() - drop a reference; NULL is allowed */
void object_unref(struct object_cache *cache, struct object *object);

#endif /* SERVER_OBJECT_CACHE_H */
