/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An object that fails its check is moved aside, so that it is a miss and can be
 * fetched again.  Everything is borrowed for the duration of the call; any
 * thread.
 */
#ifndef CACHE_STORE_HEAL_H
#define CACHE_STORE_HEAL_H

#include <stdint.h>

#include "cache/verity/digest.h"

struct cfs_store;

enum {
	CFS_HEAL_SOUND = 3,	/* the object is what its name says; left alone */
};

/**
 * cfs_object_heal() - check an object and move it to quarantine if it is wrong
 * @store: the store
 * @digest: which one
 * @size: size it must have in bytes, or UINT64_MAX if not known
 *
 * Reads all its bytes, so that it finds damage which the file system's metadata
 * does not show.
 *
 * Return: 0 if something wrong was moved aside, CFS_HEAL_SOUND, CFS_STORE_MISS
 * if nothing stood there, or -errno.
 */
int cfs_object_heal(struct cfs_store *store, const struct cfs_digest *digest,
		    uint64_t size);

#endif /* CACHE_STORE_HEAL_H */
