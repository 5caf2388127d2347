/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Remove what no image needs.
 *
 *	1. lock	exclusively (cache/store/lock.h): nobody is about to pin anything
 *	2. read	every pinned image; one that can't be read ends the run, since
 *		what it needs is not known
 *	3. walk	the objects; one that no image needs is a candidate, unless it is
 *		younger than asked for
 *	4. drop	all candidates or, with a size limit, the least recently used of
 *		them until the store is below its low-water mark
 *
 * Objects that a pinned image needs are never removed, whatever the limits.  What
 * stands beside an object (cache/mirror/extra.h) goes with it.  A run that dies half way
 * has removed garbage only.
 *
 * When was an object last used?  Mounts read objects without a time stamp, and many
 * file systems keep none (noatime).  So gc itself marks what it finds needed by an
 * image: it sets the access time to now, at most once a day for each object.  The
 * time of use is the newest of that, of publication, and of any read that the file
 * system did record: for what no image needs, about when it was last needed.
 */
#ifndef CACHE_UPKEEP_GC_H
#define CACHE_UPKEEP_GC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/verity/digest.h"
#include "cache/store/store.h"

struct cfs_object_info;
struct errmsg;

/**
 * struct cfs_gc_options - what to remove
 * @dry_run: count, remove nothing and mark nothing
 * @wait: for the lock; else CFS_STORE_BUSY
 * @keep_younger_s: seconds; what was published later than that long ago stays
 * @max_size: bytes on disk above which candidates are removed, down to
 *	@low_water; 0 for no limit: all candidates go
 * @low_water: at most @max_size; 0 for 9/10 of it
 * @reserve: bytes that must be free in the file system; if they are not,
 *	candidates are removed until they are, and a tenth more; 0 for none; with
 *	@max_size, whatever removes more
 * @pins: images that are pinned though images/ does not name them, or NULL
 * @n_pins: how many
 * @removed: called for each object that goes (or would); may be NULL
 * @context: passed to @removed
 */
struct cfs_gc_options {
	bool dry_run;
	bool wait;
	uint64_t keep_younger_s;
	uint64_t max_size;
	uint64_t low_water;
	uint64_t reserve;
	const struct cfs_digest *pins;
	size_t n_pins;
	void (*removed)(void *context, const struct cfs_object_info *info);
	void *context;
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
 * What stands in an object's place and can't be removed as one (a folder) is moved
 * to quarantine.
 *
 * Memory: cache/upkeep/refs.h, and with a limit 72 bytes a candidate.
 *
 * Return: 0, CFS_STORE_BUSY, -EOPNOTSUPP (without images/), -EUCLEAN or -ENOENT (an image can't be read: @msg
 * names it), -ENOMEM or -errno.
 */
int cfs_store_gc(struct cfs_store *store, const struct cfs_gc_options *options,
		 struct cfs_gc_report *ret, struct errmsg *msg);

#endif /* CACHE_UPKEEP_GC_H */
