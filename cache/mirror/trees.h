/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Make the Merkle trees of a store's large objects, STORE/verity/aa/<62 hex>
 * (cache/verity/tree.h), so that a mirror of it can be read in verified parts.
 *
 * A tree that is there is not made again, so a run that was stopped goes on where
 * it was.  Objects are read in full, and one that is not what its name says gets no
 * tree.
 */
#ifndef CACHE_MIRROR_TREES_H
#define CACHE_MIRROR_TREES_H

#include <stdint.h>

#include "cache/verity/digest.h"

struct cfs_store;
struct cfs_trees_report;

/* Below this size an object is fetched whole, and nobody asks for its tree. */
#define CFS_TREES_MIN_SIZE	((uint64_t)16 << 20)

/**
 * struct cfs_trees_options - which, and how
 * @min_size: of the objects that get a tree, bytes
 * @n_threads: at least 1
 * @failed: called for each object without a tree; one at a time, from any thread
 *	@err: -EBADMSG if it is not the object its name says, or -errno
 * @progress: called after each object, likewise
 */
struct cfs_trees_options {
	uint64_t min_size;
	unsigned int n_threads;
	void (*failed)(void *context, const struct cfs_digest *digest, int err);
	void (*progress)(void *context, const struct cfs_trees_report *so_far);
	void *context;
};

/**
 * struct cfs_trees_report - what was done
 * @made: trees made
 * @existed: trees that were there
 * @failed: objects that could not be read, or are damaged
 * @bytes: of the objects that were read
 * @tree_bytes: of all trees, @existed too
 */
struct cfs_trees_report {
	uint64_t made;
	uint64_t existed;
	uint64_t failed;
	uint64_t bytes;
	uint64_t tree_bytes;
};

/**
 * cfs_store_trees() - make all trees that are missing
 * @store: not a folder of objects only
 * @options: borrowed
 * @ret: filled in any case
 *
 * Return: 0, -EOPNOTSUPP (no store), -ENOMEM, -ENOSPC, -EROFS, -EACCES or what kept
 * it from writing.
 */
int cfs_store_trees(struct cfs_store *store,
		    const struct cfs_trees_options *options,
		    struct cfs_trees_report *ret);

/** cfs_store_trees_folder() - have STORE/verity, so that others see that it may hold
 *	trees; 0 or -errno
 */
int cfs_store_trees_folder(struct cfs_store *store);

/**
 * cfs_store_tree_make() - make the tree of one object
 * @min_size: of an object that gets one, bytes
 *
 * Return: 0; CFS_STORE_MISS (also if it is too small) or CFS_STORE_DAMAGED; -EBADMSG;
 * or as cfs_store_trees().
 */
int cfs_store_tree_make(struct cfs_store *store, const struct cfs_digest *digest,
			uint64_t min_size);

#endif /* CACHE_MIRROR_TREES_H */
