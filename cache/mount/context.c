// SPDX-License-Identifier: GPL-2.0-or-later
/* Setting up one file system through the new mount API. */
#include "cache/mount/context.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "cache/base/cleanup.h"

/*
 * The context keeps what the kernel had to say, one message a read, each with
 * its severity in front: "e overlay: No changes allowed in reconfigure".
 */
static void read_kernel_text(int fd, char *ret, size_t size)
{
	size_t at = 0;

	ret[0] = '\0';
	while (at + 4 < size) {
		char line[256];
		ssize_t n = read(fd, line, sizeof(line) - 1);
		char *text = line;

		if (n <= 0)
			break;
		line[n] = '\0';
		line[strcspn(line, "\n")] = '\0';
		if (line[0] && line[1] == ' ')
			text += 2;
		at += snprintf(ret + at, size - at, "%s%s", at ? "; " : "",
			       text);
	}
}

static int fail(int fd, int err, const char *what, const char *value,
		struct errmsg *msg)
{
	char text[512];

	read_kernel_text(fd, text, sizeof(text));
	return errmsg_set(msg, err, "%s%s%s: %s%s%s", what,
			  value ? "=" : "", value ? value : "", strerror(-err),
			  text[0] ? ": the kernel says: " : "", text);
}

/*
 * EROFS is mounted by the root of the machine only: the kernel looks for that before it
 * looks at what is to be mounted, which here is nothing.  composefs.ko does the same.
 */
int mount_context_permitted(struct errmsg *msg)
{
	CLEANUP_CLOSE int fd = fsopen("erofs", FSOPEN_CLOEXEC);

	if (fd < 0 && errno == ENODEV)
		fd = fsopen("composefs", FSOPEN_CLOEXEC);
	if ((fd < 0 && errno == EPERM) ||
	    (fd >= 0 && fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0 &&
	     errno == EPERM))
		return errmsg_set(msg, -EPERM,
				  "only root may mount an image (CAP_SYS_ADMIN, and not in a user namespace)");
	return 0;
}

int mount_context_open(const char *type, int *ret_fd, struct errmsg *msg)
{
	int fd = fsopen(type, FSOPEN_CLOEXEC);

	if (fd < 0)
		return errmsg_set(msg, -errno, "file system type %s: %s", type,
				  errno == ENODEV ? "the kernel has none" :
						    strerror(errno));
	*ret_fd = fd;
	return 0;
}

int mount_context_flag(int fd, const char *key, struct errmsg *msg)
{
	if (fsconfig(fd, FSCONFIG_SET_FLAG, key, NULL, 0) < 0)
		return fail(fd, -errno, key, NULL, msg);
	return 0;
}

int mount_context_string(int fd, const char *key, const char *value,
			 struct errmsg *msg)
{
	if (fsconfig(fd, FSCONFIG_SET_STRING, key, value, 0) < 0)
		return fail(fd, -errno, key, value, msg);
	return 0;
}

int mount_context_create(int fd, uint64_t attributes, int *ret_mount_fd,
			 struct errmsg *msg)
{
	int mount_fd;

	if (fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fail(fd, -errno, "mount", NULL, msg);
	mount_fd = fsmount(fd, FSMOUNT_CLOEXEC, attributes);
	if (mount_fd < 0)
		return fail(fd, -errno, "mount", NULL, msg);
	*ret_mount_fd = mount_fd;
	return 0;
}

int mount_context_pick(int mount_fd, int *ret_fd, struct errmsg *msg)
{
	int fd = fspick(mount_fd, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH);

	if (fd < 0)
		return errmsg_set(msg, -errno, "remount: %s", strerror(errno));
	*ret_fd = fd;
	return 0;
}

int mount_context_reconfigure(int fd, struct errmsg *msg)
{
	if (fsconfig(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) < 0)
		return fail(fd, -errno, "remount", NULL, msg);
	return 0;
}
