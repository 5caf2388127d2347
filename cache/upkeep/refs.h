/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the images of a store need: every (object, image) pair, sorted.
 *
 * 48 bytes a pair: 20 images of 50,000 files are 48 MB.  An image's own object is
 * among the things it needs.
 *
 * Ownership: cfs_store_refs_new() gives the caller a table to
 * cfs_store_refs_free().  Once built it is only read, by any thread.
 */
#ifndef CACHE_UPKEEP_REFS_H
#define CACHE_UPKEEP_REFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/verity/digest.h"
#include "cache/store/store.h"

struct errmsg;

/**
 * struct cfs_ref - an image needs an object
 * @size: of the object, in bytes, as the image says
 * @image: index into cfs_store_refs.images
 * @read: a mount opens it; else it is only the digest of a file that is read from
 *	another path: kept if it is here, and not missed
 */
struct cfs_ref {
	struct cfs_digest digest;
	uint64_t size;
	uint32_t image;
	bool read;
};

/**
 * struct cfs_pinned_image - an image that has one or more names
 * @names: separated by spaces; empty if none; owned by the table
 * @n_no_object: files whose content no mirror can give, since the image reads it
 *	from a path that is not the name of its object; and the store lacks it
 * @no_object_bytes: together
 */
struct cfs_pinned_image {
	struct cfs_digest digest;
	uint64_t size;
	char *names;
	uint64_t n_no_object;
	uint64_t no_object_bytes;
};

/**
 * struct cfs_store_refs - the table
 * @refs: sorted by digest, then image; a pair is there once
 */
struct cfs_store_refs {
	struct cfs_ref *refs;
	size_t n_refs;
	size_t capacity;
	struct cfs_pinned_image *images;
	size_t n_images;
};

/**
 * cfs_store_refs_new() - read every image that images/ names
 * @store: the store
 * @pins: further images to be read, by digest; NULL for none
 * @n_pins: how many
 * @ret: the table, owned by the caller; untouched on failure
 * @msg: names the image that could not be read
 *
 * What can't be read fails the whole call: a caller that removes objects must
 * not mistake an unreadable image for one that needs nothing.
 *
 * Return: 0, -ENOENT (an image is missing), -EUCLEAN (damaged), -ENOMEM or
 * -errno.
 */
int cfs_store_refs_new(struct cfs_store *store, const struct cfs_digest *pins,
		       size_t n_pins, struct cfs_store_refs **ret,
		       struct errmsg *msg);

/** cfs_store_refs_free() - NULL is allowed */
void cfs_store_refs_free(struct cfs_store_refs *refs);

/**
 * cfs_store_refs_find() - who needs an object?
 * @ret_n: number of pairs
 *
 * Return: the first of the object's pairs, or NULL if no image needs it.
 */
const struct cfs_ref *cfs_store_refs_find(const struct cfs_store_refs *refs,
					  const struct cfs_digest *digest,
					  size_t *ret_n);

#endif /* CACHE_UPKEEP_REFS_H */
