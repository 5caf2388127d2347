/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bringing back what was moved to quarantine, by running cfs-seed.
 */
#ifndef CACHE_PROGRAMS_REFETCH_H
#define CACHE_PROGRAMS_REFETCH_H

#include <stddef.h>

#include "cache/verity/digest.h"

struct cfs_store;

#define REFETCH_SOURCES_MAX	32

enum store_found_state {
	FOUND_LEFT,			/* it is still there */
	FOUND_MOVED,			/* to quarantine */
	FOUND_UNNEEDED,			/* and no image needs it */
	FOUND_REFETCHED,		/* and a sound one is there */
	FOUND_LOST,			/* and no source had it */
};

/**
 * struct store_found - a damaged object
 * @err: 0 if it was moved aside or was to be left, or why it could not be moved
 * @state: what became of it
 */
struct store_found {
	struct cfs_digest digest;
	int err;
	enum store_found_state state;
};

/**
 * store_refetch() - bring back what images need
 * @store: the store
 * @path: of it
 * @sources: options for cfs-seed: --mirror=URL, --from=DIR
 * @n_sources: at least 1
 * @found: those that were moved become unneeded, refetched or lost
 * @n_found: how many
 *
 * cfs-seed says on stderr what could not be had.
 *
 * Return: 0 or STORE_EXIT_FAILED after a complaint; @found is settled in any case.
 */
int store_refetch(struct cfs_store *store, const char *path,
		  const char *const *sources, size_t n_sources,
		  struct store_found *found, size_t n_found);

#endif /* CACHE_PROGRAMS_REFETCH_H */
