/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a mount needs from the network it gets by running cfs-fetch:
 *
 *	cfs-fetch --store STORE --mirror URL... --fetch-image NAME|DIGEST
 *		once: puts an image into the store and prints its digest
 *	cfs-fetch --foreground --store STORE --mirror URL... --image DIGEST /dev/fd/N
 *		for as long as the mount lives: answers misses; N is a descriptor
 *		of /dev/fuse that is mounted already
 *
 * The FUSE mount of the second is attached nowhere: the image's mount alone keeps
 * it alive, and the daemon ends when that is gone (ENODEV).
 *
 * Ownership: everything passed in is borrowed.
 */
#ifndef CACHE_MOUNT_FETCHER_H
#define CACHE_MOUNT_FETCHER_H

#include <stdbool.h>
#include <stddef.h>

#include "cache/base/errmsg.h"
#include "cache/verity/digest.h"

/**
 * struct mount_fetcher - what every cfs-fetch is told
 * @store: folder of the store
 * @mirrors: base URLs, best first
 * @n_mirrors: at least 1
 * @args: more options, as --name=value
 * @n_args: how many
 * @partial_reads: large objects may be read through FUSE before they are whole
 * @log: file that the daemon's messages are appended to; NULL for the journal,
 *	or nowhere without one
 */
struct mount_fetcher {
	const char *store;
	char *const *mirrors;
	size_t n_mirrors;
	char *const *args;
	size_t n_args;
	bool partial_reads;
	const char *log;
};

/**
 * mount_fetcher_get_image() - have an image put into the store
 * @which: image name, or digest in text form
 * @ret: the digest of what came
 *
 * cfs-fetch itself says on stderr what went wrong.
 *
 * Return: 0, -EIO if cfs-fetch failed, -EBADMSG if its answer is no digest, or
 * -errno.
 */
int mount_fetcher_get_image(const struct mount_fetcher *fetcher,
			    const char *which, struct cfs_digest *ret,
			    struct errmsg *msg);

/**
 * mount_fetcher_start() - start the daemon of a mount
 * @digest: the image, in the store
 * @ret_mount_fd: its FUSE mount, attached nowhere, owned by the caller; to close
 *	it, if nothing else holds it, ends the daemon
 *
 * Returns when the daemon is ready.
 *
 * Return: 0, -EIO if the daemon ended at once, -ETIMEDOUT, or -errno.
 */
int mount_fetcher_start(const struct mount_fetcher *fetcher,
			const struct cfs_digest *digest, int *ret_mount_fd,
			struct errmsg *msg);

#endif /* CACHE_MOUNT_FETCHER_H */
