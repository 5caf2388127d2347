// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All xattrs that the caller may list.  Without CAP_SYS_ADMIN these are none of
 * trusted.*, so the digest of such a tree depends on who scans it.
 */
#include <errno.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "cache/scan/work.h"

/* Symlinks and devices can't be opened, so they are reached by their name. */
#define PROC_PATH_SIZE	(sizeof("/proc/self/fd//") + 10 + NAME_MAX + 1)

static ssize_t list(int fd, const char *path, char *buf)
{
	ssize_t n = path ? llistxattr(path, buf, SCAN_LIST_SIZE) :
			   flistxattr(fd, buf, SCAN_LIST_SIZE);

	if (n >= 0)
		return n;
	return errno == EOPNOTSUPP ? 0 : errno == ENOENT ? -ESTALE : -errno;
}

static int copy(struct scan_worker *worker, int fd, const char *path,
		const char *name, struct cfs_node *node)
{
	ssize_t n = path ? lgetxattr(path, name, worker->value,
				     SCAN_VALUE_SIZE) :
			   fgetxattr(fd, name, worker->value, SCAN_VALUE_SIZE);

	if (n < 0)
		return errno == ENODATA || errno == ENOENT ? -ESTALE : -errno;
	return cfs_node_set_xattr(&worker->arena, node, name, strlen(name),
				  worker->value, n);
}

int scan_xattrs(struct scan_worker *worker, int fd, const char *name,
		struct cfs_node *node)
{
	const unsigned int flags = worker->scan->options->flags;
	char buf[PROC_PATH_SIZE], *path = NULL;
	const char *at;
	ssize_t n;
	int err = 0;

	if (flags & CFS_SCAN_SKIP_XATTRS)
		return 0;
	if (name) {
		snprintf(buf, sizeof(buf), "/proc/self/fd/%d/%s", fd, name);
		path = buf;
	}
	n = list(fd, path, worker->list);
	if (n < 0)
		return n;
	for (at = worker->list; at < worker->list + n && !err;
	     at += strlen(at) + 1) {
		if (flags & CFS_SCAN_USER_XATTRS &&
		    strncmp(at, "user.", 5) != 0)
			continue;
		err = copy(worker, fd, path, at, node);
	}
	return err;
}
