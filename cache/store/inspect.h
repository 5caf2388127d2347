/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is a file an image that may be mounted, pinned and collected by?  The one place
 * that says so, in words for people.
 *
 * Everything is borrowed for the duration of the call; any thread.
 */
#ifndef CACHE_STORE_INSPECT_H
#define CACHE_STORE_INSPECT_H

#include <stdbool.h>

#include "cache/base/errmsg.h"
#include "cache/verity/digest.h"

struct cfs_store;

/**
 * cfs_image_inspect() - is it an image that the kernel may be given?
 * @image_fd: the image
 * @what: it is called in messages
 * @whole: nobody vouches for it: check each of its bytes that a mount can reach
 * @ret_has_acl: some inode has a POSIX ACL; may be NULL
 * @msg: why not
 *
 * Return: 0, -EINVAL (not an image), -EUCLEAN (damaged), -EOPNOTSUPP or -errno.
 */
int cfs_image_inspect(int image_fd, const char *what, bool whole,
		      bool *ret_has_acl, struct errmsg *msg);

/**
 * cfs_store_image_inspect() - the same, whole, for an object of a store
 *
 * Nothing but a sound image may be given a name: gc and mounts depend on reading
 * it.
 *
 * Return: as cfs_image_inspect(), or -ENOENT if the store lacks it.
 */
int cfs_store_image_inspect(struct cfs_store *store,
			    const struct cfs_digest *digest, const char *what,
			    struct errmsg *msg);

/**
 * cfs_image_import() - copy an image file into a store
 * @fd: readable regular file; borrowed
 * @what, @whole: as of cfs_image_inspect()
 * @ret: digest of what was copied; untouched on failure
 * @msg: why not
 *
 * The copy is looked at before it becomes an object: what is no image leaves nothing
 * behind.  Keep gc out (lock.h) until it is pinned.
 *
 * Return: 0, as cfs_image_inspect(), or as cfs_object_import().
 */
int cfs_image_import(struct cfs_store *store, int fd, const char *what,
		     bool whole, struct cfs_digest *ret, struct errmsg *msg);

#endif /* CACHE_STORE_INSPECT_H */
