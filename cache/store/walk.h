/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Visit every object of a store, on several threads.
 *
 * The 256 folders are the unit of work: each thread takes the next one.
 */
#ifndef CACHE_STORE_WALK_H
#define CACHE_STORE_WALK_H

#include "cache/store/list.h"

/**
 * cfs_store_walk() - call a function for every object
 * @store: the store
 * @n_threads: at least 1; those that can't be had are done without
 * @fn: called from any of them, for several objects at a time
 * @context: passed to @fn
 *
 * Objects that appear or go while it runs may be seen or not.  What @fn returns
 * other than 0 ends all threads, after the objects they are at.
 *
 * Return: 0, -ENOMEM, the first that @fn returned other than 0, or -errno.
 */
int cfs_store_walk(struct cfs_store *store, unsigned int n_threads,
		   cfs_object_fn fn, void *context);

#endif /* CACHE_STORE_WALK_H */
