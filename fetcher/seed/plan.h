/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a seeding run has to bring in: each object once, in the order in which it
 * is wanted.
 *
 *	add images, profiles ---> settle ---> every object has its outcome
 *	                          (which are here already?)
 *
 * Ownership: seed_plan_init() makes an empty plan, seed_plan_free() releases what
 * it holds.  48 bytes an object.  One thread at a time, except that the objects of
 * a settled plan may be worked on by different threads.
 */
#ifndef FETCHER_SEED_PLAN_H
#define FETCHER_SEED_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/verity/digest.h"

struct cfs_store;
struct errmsg;

enum seed_outcome {
	SEED_WANTED,		/* not here yet */
	SEED_PRESENT,		/* was here before */
	SEED_LOCAL,		/* taken from a --from tree */
	SEED_FETCHED,		/* downloaded */
	SEED_FAILED,		/* could not be had */
	N_SEED_OUTCOMES,
};

/**
 * struct seed_object - one object
 * @size: in bytes, as the first image says that names it
 * @fetch_size: the same, or ALLOW_SIZE_AT_MOST() if images do not agree: the digest
 *	decides then
 * @sequence: its place in the order of wishes
 */
struct seed_object {
	struct cfs_digest digest;
	uint64_t size;
	uint64_t fetch_size;
	uint32_t sequence;
	uint8_t outcome;	/* enum seed_outcome */
};

struct seed_count {
	uint64_t objects;
	uint64_t bytes;
};

/**
 * struct seed_plan - what to bring in
 * @no_object: files whose content no mirror can give, since the image reads it from
 *	a path that is not the name of its object; and the store does not have it
 * @example: one of them, by its path in the image; NULL if there are none
 */
struct seed_plan {
	struct seed_object *objects;
	size_t n_objects;
	size_t capacity;
	struct seed_count no_object;
	char *example;
};

void seed_plan_init(struct seed_plan *plan);
void seed_plan_free(struct seed_plan *plan);

/**
 * seed_plan_add() - want an object
 *
 * Return: 0, -ENOMEM or -E2BIG (over 2^32 wishes).
 */
int seed_plan_add(struct seed_plan *plan, const struct cfs_digest *digest,
		  uint64_t size);

/**
 * seed_plan_add_image() - want everything an image of the store names
 * @store: has the image
 * @digest: of the image
 * @msg: why it can't be read
 *
 * Return: 0, -ENOENT, -EUCLEAN, -ENOMEM or -errno.
 */
int seed_plan_add_image(struct seed_plan *plan, struct cfs_store *store,
			const struct cfs_digest *digest, struct errmsg *msg);

/**
 * seed_plan_settle() - merge repeated wishes and find out what is here
 * @store: where objects would go
 * @full: read every byte of what is here; what is wrong is moved to quarantine
 *
 * After it the objects are sorted by sequence.
 *
 * Return: 0 or -errno.
 */
int seed_plan_settle(struct seed_plan *plan, struct cfs_store *store,
		     bool full);

/** seed_plan_count() - how many objects have this outcome, and their bytes */
struct seed_count seed_plan_count(const struct seed_plan *plan,
				  enum seed_outcome outcome);

#endif /* FETCHER_SEED_PLAN_H */
