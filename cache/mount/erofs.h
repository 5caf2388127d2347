/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names and metadata of an image: its EROFS, mounted nowhere yet.
 * Everything passed in is borrowed; the mount is the caller's.
 */
#ifndef CACHE_MOUNT_EROFS_H
#define CACHE_MOUNT_EROFS_H

#include <stdbool.h>

#include "cache/base/errmsg.h"

/**
 * mount_erofs() - mount an image's EROFS
 * @image_fd: readable image file
 * @has_acl: some inode has a POSIX ACL; if none has, the kernel need not look
 * @ret_mount_fd: the mount, read-only, attached nowhere
 *
 * The file itself where the kernel can mount files (Linux 6.12), so that no
 * device stands between; else a loop device.
 *
 * Return: 0 or -errno.
 */
int mount_erofs(int image_fd, bool has_acl, int *ret_mount_fd,
		struct errmsg *msg);

/** mount_erofs_on_loop() - the same, through a loop device in any case */
int mount_erofs_on_loop(int image_fd, bool has_acl, int *ret_mount_fd,
			struct errmsg *msg);

#endif /* CACHE_MOUNT_EROFS_H */
