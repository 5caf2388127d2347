/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Remove what no image needs.
 *
 *	1. lock	exclusively (store_lock.h): nobody is about to pin anything
 *	2. read	every pinned image; one that can't be read ends the run, since
 *		what it needs is not known
 *	3. walk	the objects; one that no image needs is a candidate, unless it is
 *		younger than asked for
 *	4. drop	all candidates or, with a size limit, the least recently used of
 *		them until the store is below its low-water mark
 *
 * Objects that a pinned image needs are never removed, whatever the limits.  A
 * run that dies half way has removed garbage only.
 */
#ifndef CACHE_STORE_GC_H
#define CACHE_STORE_GC_H

#include <stdbool.h>
#include <stdint.h>

#include "cache/digest.h"
#include "cache/store.h"

struct errmsg;

/**
 * struct cfs_gc_options - what to remove
 * @dry_run: count, and remove nothing
 * @wait: for the lock; else CFS_STORE_BUSY
 * @keep_younger_s: seconds; what was published later than that long ago stays
 * @max_size: bytes on disk above which candidates are removed, down to 9/10 of
 *	it; 0 for no limit: all candidates go
 * @reserve: bytes that must be free in the file system after the run; candidates
 *	are removed until they are; 0 for none; with @max_size, whatever removes
 *	more
 */
struct cfs_gc_options {
	bool dry_run;
	bool wait;
	uint64_t keep_younger_s;
	uint64_t max_size;
	uint64_t reserve;
};

/**
 * struct cfs_gc_count - objects and the bytes they take on disk
 */
struct cfs_gc_count {
	uint64_t objects;
	uint64_t bytes;
};

/**
 * struct cfs_gc_report - what was found and done
 * @pinned: needed by an image: kept
 * @young: not needed, but too young: kept
 * @spare: not needed, but there is room: kept
 * @removed: not needed: removed (or would be)
 * @images: pinned images, each counted once
 * @enough: false if @max_size or @reserve could not be reached
 */
struct cfs_gc_report {
	struct cfs_gc_count pinned;
	struct cfs_gc_count young;
	struct cfs_gc_count spare;
	struct cfs_gc_count removed;
	uint64_t images;
	bool enough;
};

/**
 * cfs_store_gc() - remove what no image needs
 * @store: the store; not a folder of objects only
 * @options: borrowed
 * @ret: filled on success
 * @msg: why, on failure
 *
 * Memory: cache/store_refs.h, and with a limit 56 bytes a candidate.
 *
 * Return: 0, CFS_STORE_BUSY, -EUCLEAN or -ENOENT (an image can't be read: @msg
 * names it), -ENOMEM or -errno.
 */
int cfs_store_gc(struct cfs_store *store, const struct cfs_gc_options *options,
		 struct cfs_gc_report *ret, struct errmsg *msg);

#endif /* CACHE_STORE_GC_H */
