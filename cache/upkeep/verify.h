/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Check every object of a store, on several threads.
 *
 * The 256 folders are the unit of work; each thread takes the next one.  What is
 * found wrong is shown to the caller under one lock, as it is found.
 */
#ifndef CACHE_UPKEEP_VERIFY_H
#define CACHE_UPKEEP_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "cache/verity/digest.h"

struct cfs_store;
struct cfs_verify_report;

/**
 * struct cfs_verify_options - how to check
 * @full: read every byte; else what cfs_store_check() knows in no time
 * @repair: move what is damaged to quarantine
 * @n_threads: at least 1
 * @damaged: called for each damaged object; one at a time, from any thread
 *	@err: 0 if it was moved aside or not asked for, or why it could not be
 * @progress: called after each object, likewise
 */
struct cfs_verify_options {
	bool full;
	bool repair;
	unsigned int n_threads;
	void (*damaged)(void *context, const struct cfs_digest *digest,
			int err);
	void (*progress)(void *context,
			 const struct cfs_verify_report *so_far);
	void *context;
};

/**
 * struct cfs_verify_report - what was found
 * @objects: checked
 * @bytes: their sizes together
 * @damaged: of them
 * @repaired: of those
 */
struct cfs_verify_report {
	uint64_t objects;
	uint64_t bytes;
	uint64_t damaged;
	uint64_t repaired;
};

/**
 * cfs_store_verify() - check every object
 * @store: the store
 * @options: borrowed
 * @ret: filled in any case
 *
 * Objects that appear or go while it runs may be seen or not.  Threads that can't
 * be had are done without.
 *
 * Return: 0 (whether or not there was damage), -ENOMEM, or the first error that
 * kept it from checking.
 */
int cfs_store_verify(struct cfs_store *store,
		     const struct cfs_verify_options *options,
		     struct cfs_verify_report *ret);

#endif /* CACHE_UPKEEP_VERIFY_H */
