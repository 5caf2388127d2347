/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which objects of an image go into a pack, and in which order.
 *
 * Ownership: the struct is the caller's; the table is borrowed;
 * cfs_pack_order_free() releases the rest.  One thread at a time.
 */
#ifndef CACHE_MIRROR_PACK_ORDER_H
#define CACHE_MIRROR_PACK_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "cache/store/table.h"

/**
 * struct cfs_pack_order - positions in a table, each once
 * @max_size: bytes; a larger object is better fetched when it is read, in parts
 * @strange: digests that the image does not name
 * @repeated: digests that were there before
 * @large: objects over @max_size
 * @missing: objects that the store does not have, or has damaged
 * @bad_lines: of the profile, that are no digests
 * @too_long: the profile is, and was read in part
 */
struct cfs_pack_order {
	struct cfs_store *store;
	const struct cfs_object_table *table;
	uint64_t max_size;
	uint32_t *positions;
	uint32_t n;
	uint64_t bytes;
	uint64_t strange, repeated, large, missing, bad_lines;
	bool too_long;
	/* private: */
	uint8_t *seen;
};

/**
 * cfs_pack_order_init() - nothing yet
 * @store: that the objects will be read from; borrowed
 *
 * Return: 0, -E2BIG (more objects than a pack can number) or -ENOMEM.
 */
int cfs_pack_order_init(struct cfs_pack_order *order, struct cfs_store *store,
			const struct cfs_object_table *table, uint64_t max_size);

/** cfs_pack_order_free() - release what it holds */
void cfs_pack_order_free(struct cfs_pack_order *order);

/** cfs_pack_order_add() - the next one, or one more of those that stay out */
void cfs_pack_order_add(struct cfs_pack_order *order,
			const struct cfs_digest *digest);

/**
 * cfs_pack_order_profile() - all that a profile lists
 * @fd: a file, read as cache/mirror/profile.h says; borrowed
 *
 * Return: 0 or -errno.
 */
int cfs_pack_order_profile(struct cfs_pack_order *order, int fd);

/**
 * cfs_pack_order_image() - all that the image names, in the order of its tree
 * @image: whose objects the table has
 *
 * Return: 0 or as cfs_object_table_of().
 */
int cfs_pack_order_image(struct cfs_pack_order *order,
			 const struct cfs_digest *image);

#endif /* CACHE_MIRROR_PACK_ORDER_H */
