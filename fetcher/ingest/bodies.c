// SPDX-License-Identifier: GPL-2.0-or-later
/* What all bodies share: memory, hashes to be used again, the batch. */
#include <errno.h>
#include <stdlib.h>

#include "cache/store/store.h"
#include "fetcher/ingest/internal.h"

static void body_free(struct fetch_body *body)
{
	cfs_verity_hash_free(body->hash);
	free(body);
}

int fetch_bodies_new(struct loop *loop, struct cfs_store *store, size_t n_chunks,
		     struct fetch_bodies **ret)
{
	struct fetch_bodies *bodies = calloc(1, sizeof(*bodies));

	if (!bodies)
		return -ENOMEM;
	if (chunk_pool_new(n_chunks, &bodies->pool) < 0) {
		free(bodies);
		return -ENOMEM;
	}
	bodies->loop = loop;
	bodies->store = store;
	LIST_INIT(&bodies->idle);
	*ret = bodies;
	return 0;
}

void fetch_bodies_in_batches(struct fetch_bodies *bodies)
{
	bodies->in_batches = !cfs_store_has_verity(bodies->store);
	bodies->batch.loop = bodies->loop;
	bodies->batch.store = bodies->store;
}

void fetch_bodies_free(struct fetch_bodies *bodies)
{
	struct fetch_body *body;

	if (!bodies)
		return;
	while ((body = LIST_FIRST(&bodies->idle))) {
		LIST_REMOVE(body, entry);
		body_free(body);
	}
	chunk_pool_free(bodies->pool);
	free(bodies);
}

size_t fetch_bodies_n_live(const struct fetch_bodies *bodies)
{
	return bodies->n_live;
}

struct chunk_pool *fetch_bodies_pool(const struct fetch_bodies *bodies)
{
	return bodies->pool;
}

size_t fetch_bodies_n_free(const struct fetch_bodies *bodies)
{
	return chunk_pool_n_free(bodies->pool);
}

void fetch_bodies_on_change(struct fetch_bodies *bodies,
			    void (*changed)(void *context), void *context)
{
	bodies->changed = changed;
	bodies->context = context;
}
