/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The composefs.ko backend.  Everything passed in is borrowed; the mount is the
 * caller's.
 */
#ifndef CACHE_MOUNT_KERNEL_H
#define CACHE_MOUNT_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/errmsg.h"
#include "cache/verity/digest.h"
#include "cache/mount/place.h"

#define MOUNT_KERNEL_MAGIC	0xc078629a	/* in statfs(2) */

/**
 * struct kernel_mount - what to mount
 * @image_fd: the image
 * @layers: objects are looked for in this order; a fetcher's is its root
 * @n_layers: at least 1
 * @digest: that the module shall ask of the image, or NULL
 * @verity_check: 0 to 2
 * @attributes: MOUNT_ATTR_*
 * @place: any existing folder, see place.h
 */
struct kernel_mount {
	int image_fd;
	const struct mount_layer *layers;
	size_t n_layers;
	const struct cfs_digest *digest;
	unsigned int verity_check;
	uint64_t attributes;
	const char *place;
};

/** mount_kernel_available() - is composefs.ko there, or can it be loaded? */
bool mount_kernel_available(void);

/**
 * mount_kernel() - mount it
 * @mount: what
 * @ret_mount_fd: the mount, attached nowhere
 *
 * Return: 0 or -errno.
 */
int mount_kernel(const struct kernel_mount *mount, int *ret_mount_fd,
		 struct errmsg *msg);

/**
 * mount_kernel_replace_layers() - have a mount look for objects elsewhere
 * @mount_fd: any descriptor of its mount point, O_PATH for instance
 * @mount: its layers and place; the rest stays as it is
 *
 * Files that are open stay open.
 *
 * Return: 0 or -errno.
 */
int mount_kernel_replace_layers(int mount_fd, const struct kernel_mount *mount,
				struct errmsg *msg);

#endif /* CACHE_MOUNT_KERNEL_H */
