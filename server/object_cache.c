// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Remember hot objects: a hash table whose entries are also in order of use.
 */
#include "server/object_cache.h"

#include <stdlib.h>
#include <unistd.h>

#include "cache/base/cleanup.h"

/* Only objects that exist get in here, so nobody can choose the keys. */
#define N_CHAINS	16384	/* a power of two */

struct object_cache {
	size_t max_bytes;
	size_t n_bytes;			/* of ->data, cached or in use */
	unsigned int max_fds;
	unsigned int n_fds;		/* of cached objects */
	struct object *newest, *oldest;
	struct object *chains[N_CHAINS];
};

struct object_cache *object_cache_new(size_t max_bytes, unsigned int max_fds)
{
	struct object_cache *cache = calloc(1, sizeof(*cache));

	if (cache) {
		cache->max_bytes = max_bytes;
		cache->max_fds = max_fds;
	}
	return cache;
}

static struct object **chain_of(struct object_cache *cache,
				const struct cfs_digest *digest)
{
	uint32_t hash;

	memcpy(&hash, digest->bytes, sizeof(hash));
	return &cache->chains[hash & (N_CHAINS - 1)];
}

static void free_object(struct object_cache *cache, struct object *object)
{
	if (object->data)
		cache->n_bytes -= object->size;
	cleanup_close(&object->fd);
	free(object->data);
	free(object);
}

static void unlink_use(struct object_cache *cache, struct object *object)
{
	*(object->newer ? &object->newer->older : &cache->newest) =
		object->older;
	*(object->older ? &object->older->newer : &cache->oldest) =
		object->newer;
}

static void link_newest(struct object_cache *cache, struct object *object)
{
	object->newer = NULL;
	object->older = cache->newest;
	*(cache->newest ? &cache->newest->newer : &cache->oldest) = object;
	cache->newest = object;
}

/* Forget an object; its users keep it until they are done. */
static void evict(struct object_cache *cache, struct object *object)
{
	struct object **link = chain_of(cache, &object->digest);

	while (*link != object)
		link = &(*link)->next;
	*link = object->next;
	unlink_use(cache, object);
	object->cached = false;
	if (object->fd >= 0)
		cache->n_fds--;
	object_unref(cache, object);
}

void object_cache_free(struct object_cache *cache)
{
	if (!cache)
		return;
	while (cache->oldest)
		evict(cache, cache->oldest);
	free(cache);
}

struct object *object_cache_get(struct object_cache *cache,
				const struct cfs_digest *digest, int64_t now_ms)
{
	struct object *object = *chain_of(cache, digest);

	while (object && !cfs_digest_equal(&object->digest, digest))
		object = object->next;
	if (!object)
		return NULL;
	if (now_ms - object->opened_ms > OBJECT_CACHE_MS) {
		evict(cache, object);
		return NULL;
	}
	if (cache->newest != object) {
		unlink_use(cache, object);
		link_newest(cache, object);
	}
	object->n_refs++;
	return object;
}

struct object *object_new(int fd, uint64_t size)
{
	struct object *object = calloc(1, sizeof(*object));

	if (!object) {
		close(fd);
		return NULL;
	}
	object->n_refs = 1;
	object->fd = fd;
	object->size = size;
	return object;
}

bool object_reserve(struct object_cache *cache, struct object *object)
{
	struct object *victim = cache->oldest;

	if (object->size > OBJECT_LOAD_MAX || object->size > cache->max_bytes)
		return false;
	/* Those in use give nothing back by being forgotten. */
	while (victim && cache->n_bytes + object->size > cache->max_bytes) {
		struct object *newer = victim->newer;

		if (victim->data && victim->n_refs == 1)
			evict(cache, victim);
		victim = newer;
	}
	if (cache->n_bytes + object->size > cache->max_bytes)
		return false;
	object->data = malloc(object->size ? object->size : 1);
	if (!object->data)
		return false;
	cache->n_bytes += object->size;
	return true;
}

void object_loaded(struct object *object)
{
	close(take_fd(&object->fd));
}

/* Close descriptors, the least recently used first, until @max are left. */
static void limit_fds(struct object_cache *cache, unsigned int max)
{
	struct object *victim = cache->oldest;

	while (victim && cache->n_fds > max) {
		struct object *newer = victim->newer;

		if (victim->fd >= 0)
			evict(cache, victim);
		victim = newer;
	}
}

void object_cache_add(struct object_cache *cache, struct object *object,
		      const struct cfs_digest *digest, int64_t now_ms)
{
	struct object **chain = chain_of(cache, digest);
	struct object *other;

	for (other = *chain; other; other = other->next)
		if (cfs_digest_equal(&other->digest, digest))
			return;
	object->digest = *digest;
	object->opened_ms = now_ms;
	object->next = *chain;
	*chain = object;
	link_newest(cache, object);
	object->cached = true;
	object->n_refs++;
	if (object->fd >= 0) {
		cache->n_fds++;
		limit_fds(cache, cache->max_fds);
	}
}

void object_cache_shrink(struct object_cache *cache)
{
	limit_fds(cache, 0);
}

void object_unref(struct object_cache *cache, struct object *object)
{
	if (object && --object->n_refs == 0)
		free_object(cache, object);
}
