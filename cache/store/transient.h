/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of images that are not trusted: an image that was mounted from a URL without
 * a digest is named by its digest, so that gc keeps it, and loses that name when the
 * last mount of it ends.  Until then fetchers that serve all images of a
 * store do not count it.
 *
 *	images/DIGEST			the name, like any other
 *	images/.DIGEST.transient	beside it: it is transient
 *
 * Each mount's fetcher holds a shared lock (flock) on the mark, which only those who may
 * write to the store can open; the one that gets it for itself alone at its end was the
 * last.  A fetcher that is killed leaves the
 * name; the next one that serves the image takes it off.
 *
 * Everything passed in is borrowed; any thread.
 */
#ifndef CACHE_STORE_TRANSIENT_H
#define CACHE_STORE_TRANSIENT_H

#include <stdbool.h>

#include "cache/verity/digest.h"

struct cfs_store;

/**
 * cfs_transient_set() - name an image by its digest, until its mounts have ended
 *
 * Changes nothing if it has that name.
 *
 * Return: 0, or as cfs_store_image_set().
 */
int cfs_transient_set(struct cfs_store *store, const struct cfs_digest *digest);

/** cfs_transient_keep() - a name stays: it was given on purpose */
void cfs_transient_keep(struct cfs_store *store, const char *name);

/** cfs_transient_is() - does a name end with the mounts of its image? */
bool cfs_transient_is(const struct cfs_store *store, const char *name);

/**
 * cfs_transient_hold() - an image that has such a name is in use
 * @ret_fd: to be closed when it is not any more, see cfs_transient_release()
 *
 * Waits a second at most for another process that has the mark.
 *
 * Return: 0, -ENOENT (its name stays, or it has none), -EWOULDBLOCK or -errno.
 */
int cfs_transient_hold(struct cfs_store *store, const struct cfs_digest *digest,
		       int *ret_fd);

/**
 * cfs_transient_release() - an image is in use no more
 * @fd: from cfs_transient_hold(); stays open
 *
 * Takes off its name, if that is transient and no other process holds the image.
 */
void cfs_transient_release(struct cfs_store *store,
			   const struct cfs_digest *digest, int fd);

#endif /* CACHE_STORE_TRANSIENT_H */
