/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file that lies somewhere else becomes an object.
 */
#ifndef CACHE_STORE_IMPORT_H
#define CACHE_STORE_IMPORT_H

#include <stdint.h>

#include "cache/verity/digest.h"
#include "cache/store/publish.h"

struct cfs_store;

/**
 * cfs_object_import_staged() - copy a file into a store, without a name yet
 * @store: the store
 * @fd: readable regular file; borrowed; its position is not used
 * @ret: digest of the bytes that were copied; untouched on failure
 *
 * For many at once: cfs_store_sync(), then cfs_object_publish_synced() each.
 *
 * Return: a descriptor, as of cfs_object_stage(), or as cfs_object_import().
 */
int cfs_object_import_staged(struct cfs_store *store, int fd,
			     struct cfs_digest *ret);

/**
 * cfs_object_import() - copy a file into a store
 * @store: the store
 * @fd: readable regular file; borrowed; its position is not used
 * @ret: digest of the bytes that were copied; untouched on failure
 *
 * Shares the file's blocks where the file system can, else reads it once.  The
 * digest is that of the copy, so a file that changes meanwhile is no danger.
 * Blocks; any thread.  Keep gc out (lock.h) until the object is pinned.
 *
 * Return: 0, CFS_PUBLISH_EXISTED, -EINVAL (not a regular file), or as
 * cfs_object_publish().
 */
int cfs_object_import(struct cfs_store *store, int fd, struct cfs_digest *ret);

#endif /* CACHE_STORE_IMPORT_H */
