/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Putting the FUSE file system onto its folder, and taking it off again.
 *
 * Ownership: descriptors returned belong to the caller.
 */
#ifndef FETCHER_MOUNT_ATTACH_H
#define FETCHER_MOUNT_ATTACH_H

#include <stdbool.h>
#include <sys/types.h>

#include "cache/base/errmsg.h"

/**
 * fuse_attach() - mount /dev/fuse on a folder
 * @folder: an existing one
 * @allow_other: users other than ours may enter
 * @ret_fd: the daemon's end
 * @ret_dev: device number of the file system, for fuse_detach()
 *
 * Return: 0, -EPERM (not root) or -errno.
 */
int fuse_attach(const char *folder, bool allow_other, int *ret_fd,
		dev_t *ret_dev, struct errmsg *msg);

/**
 * fuse_detach() - unmount lazily what stands on @folder, if it is still @dev
 *
 * Asks nothing of that file system: whoever answers for it may be ourselves.
 */
void fuse_detach(const char *folder, dev_t dev);

#endif /* FETCHER_MOUNT_ATTACH_H */
