/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects that are read through FUSE before they are whole (partial.h).
 *
 * The handle of an open object is either the store's file or a partial object; an
 * odd number stands for the latter.
 */
#ifndef FETCHER_MOUNT_PARTIAL_H
#define FETCHER_MOUNT_PARTIAL_H

#include "fetcher/allow/list.h"
#include "fetcher/mount/internal.h"

/** fuse_partial_wanted() - is an object of that size to be opened in part? */
bool fuse_partial_wanted(const struct fuse_mount *mount,
			 const struct cfs_digest *digest, uint64_t size);

/** fuse_partial_open() - answer an OPEN at once */
void fuse_partial_open(struct fuse_mount *mount, fuse_req_t req,
		       const struct allow_entry *entry);

/** fuse_partial_is() - does a file handle stand for a partial object? */
static inline bool fuse_partial_is(uint64_t fh)
{
	return fh & 1;
}

/** fuse_partial_read() - answer a READ, as soon as its bytes are here */
void fuse_partial_read(fuse_req_t req, size_t size, off_t offset, uint64_t fh);

/** fuse_partial_close() - the file is not open any more */
void fuse_partial_close(uint64_t fh);

#endif /* FETCHER_MOUNT_PARTIAL_H */
