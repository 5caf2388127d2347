/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a store may lose when it takes too much, and in which order.
 *
 *	1. quarantine/		damaged objects that were kept to be looked at
 *	2. objects		that no image needs
 *	3. partial/		objects that are here in part, if no process has them open
 *	4. zst/, verity/, packs/	what was made for clients and can be made again
 *
 * Within each, the least recently used first.  All but the objects goes only if that
 * brings the store within its limits: else it would be lost for nothing.
 *
 * Ownership: evict_list_free() releases what a list holds; zeroed, it is empty.  One
 * thread at a time.
 */
#ifndef CACHE_UPKEEP_EVICT_H
#define CACHE_UPKEEP_EVICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/store/list.h"
#include "cache/upkeep/space.h"

enum evict_class {
	EVICT_QUARANTINE,
	EVICT_OBJECT,
	EVICT_PARTIAL,
	EVICT_EXTRA,
};

struct evict_entry {
	struct timespec used;
	uint64_t bytes;			/* on disk */
	enum evict_class class;
	struct cfs_digest digest;	/* of an object, whole or in part */
	char *path;			/* else, below the store */
};

struct evict_list {
	struct evict_entry *entries;
	size_t n, capacity;
	uint64_t bytes;			/* of all */
};

/** evict_list_add_object() - a candidate; 0 or -ENOMEM */
int evict_list_add_object(struct evict_list *list,
			  const struct cfs_object_info *info);

/**
 * evict_list_add_file() - a file that cfs_space_measure() has found
 *
 * Return: 0 (also if it may not go) or -ENOMEM.
 */
int evict_list_add_file(struct evict_list *list, struct cfs_store *store,
			enum cfs_space_kind kind, const char *path,
			const struct stat *st);

/** evict_list_sort() - into the order in which they go */
void evict_list_sort(struct evict_list *list);

/**
 * evict_file() - remove one that is no object
 * @ret_bytes: the bytes on disk that this frees are added to it
 *
 * Return: 0 (also if it is gone, or in use by now) or -errno.
 */
int evict_file(struct cfs_store *store, const struct evict_entry *entry,
	       uint64_t *ret_bytes);

/** evict_list_free() - empty it */
void evict_list_free(struct evict_list *list);

#endif /* CACHE_UPKEEP_EVICT_H */
