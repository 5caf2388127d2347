/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The image of a mount: opened and put into the store.
 *
 * Ownership: descriptors returned through ret_fd are the caller's; everything
 * passed in is borrowed.
 */
#ifndef CACHE_MOUNT_IMAGE_H
#define CACHE_MOUNT_IMAGE_H

#include <stdbool.h>

#include "cache/base/errmsg.h"
#include "cache/verity/digest.h"

struct cfs_store;

/** mount_image_open() - open an image file for reading; 0 or -errno */
int mount_image_open(const char *path, int *ret_fd, struct errmsg *msg);

/**
 * mount_image_import() - put an image file into a store
 * @store: where to
 * @image_fd: the image
 * @path: of it, for messages
 * @ret: its digest, computed here
 *
 * Return: 0 or -errno.
 */
int mount_image_import(struct cfs_store *store, int image_fd, const char *path,
		       struct cfs_digest *ret, struct errmsg *msg);

/**
 * mount_image_pin() - keep an image of the store from gc, as images/<digest>
 *
 * @trusted: it was asked for by its digest, or is a file: the name lasts.  Else it ends
 *	with the mounts of the image, see cache/store/transient.h.
 *
 * This is also how a fetcher learns which objects there are.
 *
 * Return: 0 or -errno.
 */
int mount_image_pin(struct cfs_store *store, const struct cfs_digest *digest,
		    bool trusted, struct errmsg *msg);

/**
 * mount_image_from_store() - open an image of the store
 * @path: room for a text that names it in messages
 * @size: of @path
 *
 * Return: 0, -ENOENT or -errno.
 */
int mount_image_from_store(struct cfs_store *store,
			   const struct cfs_digest *digest, char *path,
			   size_t size, int *ret_fd, struct errmsg *msg);

#endif /* CACHE_MOUNT_IMAGE_H */
