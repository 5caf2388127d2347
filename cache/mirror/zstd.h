/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compress the objects of a store for those who fetch them from here:
 * STORE/zst/aa/<62 hex>, one zstd frame that expands to the object.
 *
 * Only where it pays: objects from %CFS_ZST_MIN_SIZE on that become a tenth smaller.
 * What is there is not made again, so a run that was stopped goes on where it was;
 * what stands beside an object that is gone is removed.  Objects are read in full,
 * and one that is not what its name says gets nothing.
 */
#ifndef CACHE_MIRROR_ZSTD_H
#define CACHE_MIRROR_ZSTD_H

#include <stdint.h>

#include "cache/verity/digest.h"

struct cfs_store;
struct cfs_zst_report;

/* A smaller object comes with the first round trip, compressed or not. */
#define CFS_ZST_MIN_SIZE	4096
#define CFS_ZST_LEVEL		19
/* Bounds the memory of who expands it. */
#define CFS_ZST_WINDOW_LOG	20

/**
 * struct cfs_zst_options - how
 * @level: of zstd
 * @n_threads: at least 1
 * @failed: called for each object that could not be read or is damaged; one at a
 *	time, from any thread
 *	@err: -EBADMSG if it is not the object its name says, or -errno
 * @progress: called after each object, likewise
 */
struct cfs_zst_options {
	int level;
	unsigned int n_threads;
	void (*failed)(void *context, const struct cfs_digest *digest, int err);
	void (*progress)(void *context, const struct cfs_zst_report *so_far);
	void *context;
};

/**
 * struct cfs_zst_report - what was done
 * @made: compressed now
 * @existed: were there
 * @useless: would not become a tenth smaller
 * @failed: could not be read, or damaged
 * @bytes: of the objects read
 * @object_bytes, @zst_bytes: of the objects that are there compressed, and of that
 * @removed_bytes: on disk, of what stood beside objects that are gone
 */
struct cfs_zst_report {
	uint64_t made, existed, useless, failed;
	uint64_t bytes;
	uint64_t object_bytes, zst_bytes;
	uint64_t removed_bytes;
};

/**
 * cfs_store_zst() - compress all objects for which it pays
 * @store: not a folder of objects only
 * @ret: filled in any case
 *
 * Return: 0, -EOPNOTSUPP (no store), -ENOMEM, -ENOSPC, -EROFS, -EACCES or what kept
 * it from writing.
 */
int cfs_store_zst(struct cfs_store *store, const struct cfs_zst_options *options,
		  struct cfs_zst_report *ret);

#endif /* CACHE_MIRROR_ZSTD_H */
