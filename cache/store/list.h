/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walk the objects of a store, one folder at a time.
 *
 * A store of a million objects is walked in constant memory; the 256 folders are
 * the unit in which several threads share the work.  Everything is borrowed for
 * the duration of the call; any thread.
 */
#ifndef CACHE_STORE_LIST_H
#define CACHE_STORE_LIST_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "cache/verity/digest.h"

struct cfs_store;

#define CFS_STORE_FOLDERS	256

/**
 * struct cfs_object_info - what a look at an object's inode tells
 * @size: in bytes
 * @disk_size: bytes it takes on disk
 * @written: time of publication, seconds since the epoch
 * @used: the newest of publication, last recorded read and last mark, see
 *	cache/upkeep/gc.h; since the epoch, as fine as the file system has it
 * @regular: false for something else that stands in an object's place
 */
struct cfs_object_info {
	struct cfs_digest digest;
	uint64_t size;
	uint64_t disk_size;
	int64_t written;
	struct timespec used;
	bool regular;
};

/**
 * typedef cfs_object_fn - called for each object; may remove it
 *
 * Return: 0 to go on, anything else to stop and have it returned.
 */
typedef int (*cfs_object_fn)(void *context, const struct cfs_object_info *info);

/**
 * cfs_store_folder_each() - visit the objects of one folder, in no order
 * @store: the store
 * @first_byte: of their digests: the folder's name
 *
 * Names that are not object names are passed over.
 *
 * Return: 0 (also if there is no such folder), what @fn returned, or -errno.
 */
int cfs_store_folder_each(struct cfs_store *store, uint8_t first_byte,
			  cfs_object_fn fn, void *context);

/**
 * cfs_store_object_look() - what an object's inode tells, without opening it
 *
 * Return: 0 (also if it is not a regular file), CFS_STORE_MISS or -errno.
 */
int cfs_store_object_look(struct cfs_store *store,
			  const struct cfs_digest *digest,
			  struct cfs_object_info *ret);

/**
 * cfs_store_object_mark_used() - set the time of last use to now
 *
 * Return: 0, CFS_STORE_MISS or -errno.
 */
int cfs_store_object_mark_used(struct cfs_store *store,
			       const struct cfs_digest *digest);

/**
 * cfs_store_object_remove() - take an object's name away
 *
 * Whoever has it open keeps it.  Hold the exclusive lock of lock.h.
 *
 * Return: 0, CFS_STORE_MISS or -errno.
 */
int cfs_store_object_remove(struct cfs_store *store,
			    const struct cfs_digest *digest);

/**
 * cfs_store_sweep() - remove what processes that were killed left behind
 * @all: also in verity/ and zst/, which have a folder for each first byte; else
 *	only where it is quickly done
 *
 * The places are listed in cache/store/layout.h.  What a process is about to give its
 * name stays.
 *
 * Return: the bytes on disk that this has freed.
 */
uint64_t cfs_store_sweep(struct cfs_store *store, bool all);

#endif /* CACHE_STORE_LIST_H */
