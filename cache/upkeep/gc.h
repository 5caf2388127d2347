/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Remove what no image needs.
 *
 *	1. lock	exclusively (cache/store/lock.h): nobody is about to pin anything
 *	2. read	every pinned image; one that can't be read ends the run, since
 *		what it needs is not known
 *	3. walk	the objects; one that no image needs is a candidate, unless it is
 *		younger than asked for
 *	4. sweep	what no one can use: partial objects that no image needs,
 *		what stood beside objects that are gone, what killed processes
 *		left; without a limit also partial objects that the file system
 *		has no room to complete
 *	5. drop	all candidates or, with a size limit, the least recently used of
 *		them until the store is below its low-water mark; with a limit
 *		also some of what cache/upkeep/evict.h lists
 *
 * Objects that a pinned image needs are never removed, whatever the limits, nor are
 * partial objects that a process has open.  What stands beside an object
 * (cache/mirror/extra.h) goes with it.  A run that dies half way has removed only what
 * may go.
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
 * @max_size: bytes on disk that all the store takes (cache/upkeep/space.h), above which
 *	something is removed, down to @low_water; 0 for no limit: all candidates go
 * @low_water: at most @max_size; 0 for 9/10 of it
 * @reserve: bytes that must be free in the file system; if they are not,
 *	candidates are removed until they are, and a tenth more; 0 for none; with
 *	@max_size, whatever removes more
 * @need: bytes that are about to come: the limits are to hold with them, and the
 *	file system is to have room for them.  If what may go is not enough for
 *	that, nothing is removed; if nothing is known to be short, some goes, for
 *	the file system knows more
 * @keep_within: nothing goes but for the limits and @need, even if they are all 0
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
	uint64_t need;
	bool keep_within;
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
 * @removed_other: bytes on disk of what else was (or would be)
 * @bytes: with a limit, what all the store takes on disk afterwards
 * @images: pinned images, each counted once
 * @enough: false if @max_size, @reserve or @need could not be reached
 */
struct cfs_gc_report {
	struct cfs_gc_count pinned;
	struct cfs_gc_count young;
	struct cfs_gc_count spare;
	struct cfs_gc_count removed;
	uint64_t removed_other;
	uint64_t bytes;
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
 * Memory: cache/upkeep/refs.h, and with a limit about 80 bytes a candidate.
 *
 * Return: 0, CFS_STORE_BUSY, -EOPNOTSUPP (without images/), -EUCLEAN or -ENOENT (an image can't be read: @msg
 * names it), -ENOMEM or -errno.
 */
int cfs_store_gc(struct cfs_store *store, const struct cfs_gc_options *options,
		 struct cfs_gc_report *ret, struct errmsg *msg);

#endif /* CACHE_UPKEEP_GC_H */
