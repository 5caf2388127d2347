// SPDX-License-Identifier: GPL-2.0-or-later
/* Mounting an image's EROFS, from the file itself or from a loop device. */
#include "cache/mount/erofs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "cache/base/cleanup.h"
#include "cache/mount/loop_device.h"
#include "cache/mount/context.h"

static int mount_from(const char *source, bool has_acl, int *ret_mount_fd,
		      struct errmsg *msg)
{
	CLEANUP_CLOSE int fd = -1;
	int err = mount_context_open("erofs", &fd, msg);

	if (err == 0)
		err = mount_context_flag(fd, "ro", msg);
	if (err == 0 && !has_acl)
		err = mount_context_flag(fd, "noacl", msg);
	if (err == 0)
		err = mount_context_string(fd, "source", source, msg);
	if (err == 0)
		err = mount_context_create(fd, MOUNT_ATTR_RDONLY, ret_mount_fd,
					   msg);
	return err;
}

int mount_erofs_on_loop(int image_fd, bool has_acl, int *ret_mount_fd,
			struct errmsg *msg)
{
	CLEANUP_CLOSE int loop_fd = -1;
	char path[32];
	int err = loop_device_new(image_fd, path, sizeof(path), &loop_fd);

	if (err < 0)
		return errmsg_set(msg, err,
				  "no loop device for the image: %s (with /proc, and an image on a file system that the kernel can read it from, none is needed)",
				  strerror(-err));
	return mount_from(path, has_acl, ret_mount_fd, msg);
}

int mount_erofs(int image_fd, bool has_acl, int *ret_mount_fd,
		struct errmsg *msg)
{
	char path[32];
	int err;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", image_fd);
	err = mount_from(path, has_acl, ret_mount_fd, msg);
	/* The kernel wants a device, it is a file on overlayfs or FUSE, or there is no /proc. */
	if (err == -ENOTBLK || err == -EINVAL || err == -EOPNOTSUPP ||
	    err == -ENOENT)
		err = mount_erofs_on_loop(image_fd, has_acl, ret_mount_fd,
					  msg);
	return err;
}
