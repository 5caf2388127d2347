// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/mount/context.h"
#include "fetcher/mount/attach.h"

/* Nobody runs a program from here: overlayfs and composefs.ko execute what they
 * show through mounts of their own.  Objects have no modes, so no setuid either. */
#define ATTRIBUTES	(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

static int set_up(int context, int fuse_fd, bool allow_other,
		  struct errmsg *msg)
{
	char number[16], uid[16], gid[16];
	const struct {
		const char *key, *value;	/* NULL: a flag */
	} options[] = {
		{ "source", "cfs-fetch" },
		{ "subtype", "cfs" },
		{ "fd", number },
		{ "rootmode", "40000" },
		{ "user_id", uid },
		{ "group_id", gid },
		{ "ro", NULL },
		{ "default_permissions", NULL },
		{ "allow_other", NULL },
	};
	size_t n = sizeof(options) / sizeof(*options) - !allow_other;
	int err = 0;

	snprintf(number, sizeof(number), "%d", fuse_fd);
	snprintf(uid, sizeof(uid), "%u", (unsigned int)getuid());
	snprintf(gid, sizeof(gid), "%u", (unsigned int)getgid());
	for (size_t i = 0; i < n && !err; i++)
		err = options[i].value ?
			mount_context_string(context, options[i].key,
					     options[i].value, msg) :
			mount_context_flag(context, options[i].key, msg);
	return err;
}

static int device_of(int fd, const char *path, int flags, dev_t *ret)
{
	struct statx stx;

	if (statx(fd, path, flags | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, 0,
		  &stx) < 0)
		return -errno;
	*ret = makedev(stx.stx_dev_major, stx.stx_dev_minor);
	return 0;
}

int fuse_attach(const char *folder, bool allow_other, int *ret_fd,
		dev_t *ret_dev, struct errmsg *msg)
{
	CLEANUP_CLOSE int fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	CLEANUP_CLOSE int context = -1;
	CLEANUP_CLOSE int mount_fd = -1;
	int err;

	if (fuse_fd < 0)
		return errmsg_set(msg, -errno, "/dev/fuse: %s",
				  strerror(errno));
	err = mount_context_open("fuse", &context, msg);
	if (!err)
		err = set_up(context, fuse_fd, allow_other, msg);
	if (!err)
		err = mount_context_create(context, ATTRIBUTES, &mount_fd, msg);
	if (!err)
		err = device_of(mount_fd, "", AT_EMPTY_PATH, ret_dev);
	if (err)
		return err;
	if (move_mount(mount_fd, "", AT_FDCWD, folder,
		       MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return errmsg_set(msg, -errno, "%s", strerror(errno));
	*ret_fd = take_fd(&fuse_fd);
	return 0;
}

void fuse_detach(const char *folder, dev_t dev)
{
	dev_t now;

	if (device_of(AT_FDCWD, folder, 0, &now) == 0 && now == dev)
		(void)umount2(folder, MNT_DETACH | UMOUNT_NOFOLLOW);
}
