/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bring in what a pack of an image has (cache/mirror/pack_format.h), as a few streams, the
 * first objects first.
 *
 *	          a mirror has packs,      header and        every frame, or
 *	          and the image is read    index are here    a fault
 *	SEARCH --------------------> INDEX -----------> STREAMS ------------> over
 *	  ^  |                         |
 *	  |  | none has it: over       | not there, or not a pack of this image
 *	  +--|-------------------------+
 *	     v
 *
 * The first GET asks for the file from its start and goes on with its first frames,
 * so the first objects come with the index; further ones ask for ranges.  Frames of
 * which the store has everything are passed over.  While readers fetch what
 * is not in the pack, one stream goes on and no other begins.
 *
 * A reader's miss of an object that comes soon waits for it (fetcher/engine/delivery.h).
 * A pack that comes slowly is given up once a GET of one of its objects has shown that it is
 * not the link (trial.c).
 *
 * Nothing is trusted: objects are named by their place in the image, expanded to the
 * size that the image tells, and checked against their digests.  A pack that is wrong
 * costs warmth; its mirror is blamed, and not asked for packs for a while.
 *
 * Ownership: pack_fetch_start() gives the caller a fetch to pack_fetch_free(), at any
 * time after or from within over, or before fetcher_stop().  Runs on the loop's
 * thread; the image is read on the pool.
 */
#ifndef FETCHER_PACK_PACK_H
#define FETCHER_PACK_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "cache/verity/digest.h"

struct cfs_store;
struct fetcher;
struct loop;
struct pack_fetch;

enum pack_outcome {
	PACK_NONE,		/* no mirror has such a pack */
	PACK_COMPLETE,		/* everything in it is in the store, or comes by a GET */
	PACK_FAILED,		/* part of it, perhaps */
};

/**
 * struct pack_stats - what came of it
 * @mirror: base URL; NULL: none; borrowed, lives as long as the engine
 * @objects: in the pack
 * @delivered: of them, put into the store from it
 * @received: bytes of the pack
 */
struct pack_stats {
	const char *mirror;
	uint64_t objects;
	uint64_t delivered, delivered_bytes;
	uint64_t received;
};

/**
 * struct pack_calls - what the caller is told
 * @over: called once, from the loop; may free the fetch
 */
struct pack_calls {
	void (*over)(void *context, enum pack_outcome outcome,
		     const struct pack_stats *stats);
};

/**
 * pack_fetch_start() - look for a pack and bring it in
 * @loop: borrowed, as the next two
 * @store: has the image
 * @fetcher: the engine; somebody has called fetcher_ask_for_offers()
 * @image: whose pack
 * @name: which of them, an image name (store.h); or NULL for the one without
 * @calls: borrowed
 * @ret: untouched on failure
 *
 * Return: 0, -EINVAL (no such name can be) or -ENOMEM.
 */
int pack_fetch_start(struct loop *loop, struct cfs_store *store,
		     struct fetcher *fetcher, const struct cfs_digest *image,
		     const char *name, const struct pack_calls *calls,
		     void *context, struct pack_fetch **ret);

/** pack_fetch_free() - end it, wherever it is; NULL is allowed */
void pack_fetch_free(struct pack_fetch *pack);

#endif /* FETCHER_PACK_PACK_H */
