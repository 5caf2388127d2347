/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the Merkle trees that clients have asked for in vain, one at a time, on a
 * thread of low priority.
 *
 *	404 of verity/... --> queue (bounded) --> thread: reads the object in full,
 *	                                          writes STORE/verity/aa/<62 hex>
 *
 * Who asked first does without; who comes later finds it.  The cost of what strangers
 * may ask for is bounded: objects of the store that are large, each read once, one
 * after the other; what could not be made is not tried again for as long as it is
 * among the last %TREE_MAKER_QUEUE that failed.
 *
 * Ownership: tree_maker_new() gives the caller a maker to tree_maker_free().
 * tree_maker_want() may be called from any thread.
 */
#ifndef SERVER_TREE_MAKER_H
#define SERVER_TREE_MAKER_H

#include "cache/verity/digest.h"

#define TREE_MAKER_QUEUE	64

struct tree_maker;

/**
 * tree_maker_new() - open the store for writing, and have a folder for trees
 * @store: path of the store
 * @ret: owned by the caller; untouched on failure
 *
 * Return: 0, -ENOMEM, -EROFS, -EACCES or -errno.
 */
int tree_maker_new(const char *store, struct tree_maker **ret);

/** tree_maker_start() - let its thread run; 0 or -errno */
int tree_maker_start(struct tree_maker *maker);

/** tree_maker_want() - a client asked for the tree of an object */
void tree_maker_want(struct tree_maker *maker, const struct cfs_digest *digest);

/**
 * tree_maker_free() - at the end of the process; NULL is allowed
 *
 * A tree that is being made is given up, and with it its thread and memory: the end
 * of the process is not put off until a large object has been read.
 */
void tree_maker_free(struct tree_maker *maker);

#endif /* SERVER_TREE_MAKER_H */
