// SPDX-License-Identifier: GPL-2.0-or-later
/* Giving a sealed file its name, and taking the place from what is not it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/failpoint.h"
#include "cache/store/store.h"
#include "cache/store/layout.h"

/* How many damaged things of one digest are kept. */
#define QUARANTINE_MAX	8

static int link_nameless(const struct cfs_store *store, int fd,
			 const char *name)
{
	char path[32];

	if (linkat(fd, "", store->objects_fd, name, AT_EMPTY_PATH) == 0)
		return 0;
	/* Needs a capability or Linux 6.10; /proc does without. */
	if (errno != ENOENT)
		return -errno;
	snprintf(path, sizeof(path), "self/fd/%d", fd);
	return linkat(store->proc_fd, path, store->objects_fd, name,
		      AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

static int link_staged(const struct cfs_store *store, int fd, const char *name)
{
	char staged[STAGED_NAME_LEN];
	int err = object_staged_name(fd, staged);

	if (err < 0)
		return err;
	if (linkat(store->objects_fd, staged, store->objects_fd, name, 0) < 0)
		return -errno;
	err = FAILPOINT("link.staged_too");
	if (err < 0)
		return err;
	unlinkat(store->objects_fd, staged, 0);
	return 0;
}

static int link_once(const struct cfs_store *store, int fd, const char *name)
{
	return store->tmpfile ? link_nameless(store, fd, name) :
				link_staged(store, fd, name);
}

int object_link(const struct cfs_store *store, int fd,
		const struct cfs_digest *digest)
{
	char name[CFS_OBJECT_NAME_LEN + 1], folder[3];
	int err;

	cfs_object_name_format(digest, name);
	err = FAILPOINT("link.before");
	if (err == 0)
		err = link_once(store, fd, name);
	if (err != -ENOENT)
		return err;
	err = FAILPOINT("link.mkdir");
	if (err < 0)
		return err;
	snprintf(folder, sizeof(folder), "%.2s", name);
	if (mkdirat(store->objects_fd, folder, 0755) < 0 && errno != EEXIST)
		return -errno;
	return link_once(store, fd, name);
}

static int open_quarantine(const struct cfs_store *store)
{
	int parent_fd = store->root_fd >= 0 ? store->root_fd :
					      store->objects_fd;
	const char *name = store->root_fd >= 0 ? "quarantine" : ".quarantine";
	int fd;

	if (mkdirat(parent_fd, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(parent_fd, name,
		    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int object_set_aside(const struct cfs_store *store,
		     const struct cfs_digest *digest)
{
	CLEANUP_CLOSE int fd = open_quarantine(store);
	char name[CFS_OBJECT_NAME_LEN + 1], hex[CFS_DIGEST_HEX_LEN + 1];
	char aside[CFS_DIGEST_HEX_LEN + 8];
	int i, err;

	if (fd < 0)
		return fd;
	err = FAILPOINT("aside.before");
	if (err < 0)
		return err;
	cfs_object_name_format(digest, name);
	cfs_digest_format(digest, hex);
	snprintf(aside, sizeof(aside), "%s", hex);
	for (i = 1; i < QUARANTINE_MAX; i++) {
		if (renameat2(store->objects_fd, name, fd, aside,
			      RENAME_NOREPLACE) == 0)
			return 0;
		if (errno == ENOENT)
			return CFS_STORE_MISS;
		if (errno != EEXIST)
			break;
		snprintf(aside, sizeof(aside), "%s.%d", hex, i);
	}
	/* The last one may be replaced; some file systems know nothing else. */
	if (renameat(store->objects_fd, name, fd, aside) == 0)
		return 0;
	return errno == ENOENT ? CFS_STORE_MISS : -errno;
}
