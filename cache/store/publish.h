/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Give checked bytes their name: stage, (write,) seal, link.
 *
 *	STAGED ---> SEALED ---> LINKED
 *
 *	STAGED	a nameless inode (O_TMPFILE) in the store; nobody can see it.
 *		The writer fills it and checks its digest.
 *	SEALED	fs-verity is on and the kernel measured the right digest; without
 *		fs-verity: the data is flushed.  Mode 0444.
 *	LINKED	the name exists.  A name exists only for whole, checked bytes.
 *
 * "Has verity and the right digest" is the commit mark: after a crash a name
 * without it is a miss.  A crash before LINKED leaves nothing behind.  Names are
 * made durable by cfs_store_sync(), once per batch.
 *
 * Ownership: descriptors passed in are consumed where it says so.  Functions
 * here block (sealing writes the file out) and may be called from any thread.
 */
#ifndef CACHE_STORE_PUBLISH_H
#define CACHE_STORE_PUBLISH_H

#include <stdint.h>

#include "cache/verity/digest.h"

struct cfs_store;

enum {
	CFS_PUBLISH_EXISTED = 1,	/* the name was there, with the right digest */
};

/**
 * cfs_object_stage() - make a nameless file to write an object into
 * @store: where it will be published
 * @size: bytes to come: space for them is reserved, so that a full disk shows
 *	before a large download; 0 if not known
 * @ret_fd: read-write descriptor, to be given to cfs_object_publish() or
 *	cfs_object_discard(); untouched on failure
 *
 * Return: 0, -ENOSPC, -EDQUOT, -EROFS or what the file system said.
 */
int cfs_object_stage(struct cfs_store *store, uint64_t size, int *ret_fd);

/**
 * cfs_object_discard() - give a staged file up
 * @store: the store it was staged in
 * @fd: from cfs_object_stage(); consumed; negative is allowed
 */
void cfs_object_discard(struct cfs_store *store, int fd);

/**
 * cfs_object_publish() - seal a staged file and give it its name
 * @store: the store it was staged in
 * @fd: from cfs_object_stage(), with all bytes written; consumed, whatever is
 *	returned; no other descriptor of it may be open for writing
 * @digest: the digest of its bytes, which the caller has checked; the kernel
 *	checks it again where it can
 *
 * Losing a race to another publisher of the same digest is success.  An object
 * of that name that fails its check is moved aside and replaced.
 *
 * Return: 0, CFS_PUBLISH_EXISTED, -EBADMSG if the kernel measured another
 * digest, -ENOSPC, -EDQUOT, -EROFS, -EIO or what the file system said.
 */
int cfs_object_publish(struct cfs_store *store, int fd,
		       const struct cfs_digest *digest);

/**
 * cfs_object_publish_synced() - as cfs_object_publish(), for one of many
 * @fd: as there, and cfs_store_sync() has returned since its last byte was
 *	written
 *
 * Flushing many staged files at once is much cheaper than one by one.
 */
int cfs_object_publish_synced(struct cfs_store *store, int fd,
			      const struct cfs_digest *digest);

/**
 * cfs_store_sync() - make every name published so far durable, and the bytes
 * of every file that is staged
 *
 * Return: 0 or -errno.
 */
int cfs_store_sync(struct cfs_store *store);

#endif /* CACHE_STORE_PUBLISH_H */
