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

static int link_nameless(const struct cfs_store *store, int fd, int folder_fd,
			 const char *name)
{
	char path[32];

	if (linkat(fd, "", folder_fd, name, AT_EMPTY_PATH) == 0)
		return 0;
	/* Needs a capability or Linux 6.10; /proc does without. */
	if (errno != ENOENT)
		return -errno;
	snprintf(path, sizeof(path), "self/fd/%d", fd);
	return linkat(store->proc_fd, path, folder_fd, name,
		      AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

static int link_staged(const struct cfs_store *store, int fd, int folder_fd,
		       const char *name)
{
	char staged[STAGED_NAME_LEN];
	int err = object_staged_name(fd, staged);

	if (err < 0)
		return err;
	if (linkat(store->objects_fd, staged, folder_fd, name, 0) < 0)
		return -errno;
	err = FAILPOINT("link.staged_too");
	if (err < 0)
		return err;
	unlinkat(store->objects_fd, staged, 0);
	return 0;
}

int object_link(const struct cfs_store *store, int fd,
		const struct cfs_digest *digest)
{
	char name[OBJECT_LEAF_LEN + 1];
	int err = FAILPOINT("link.before");

	if (err < 0)
		return err;

	CLEANUP_CLOSE int folder_fd = object_folder(store, digest, FOLDER_CREATE,
						    name);

	if (folder_fd < 0)
		return folder_fd;
	return store->tmpfile ? link_nameless(store, fd, folder_fd, name) :
				link_staged(store, fd, folder_fd, name);
}

static int open_quarantine(const struct cfs_store *store)
{
	return store->root_fd >= 0 ?
		store_folder_open(store->root_fd, "quarantine", FOLDER_CREATE,
				  0700) :
		store_folder_open(store->objects_fd, ".quarantine",
				  FOLDER_CREATE, 0700);
}

int object_set_aside(const struct cfs_store *store,
		     const struct cfs_digest *digest)
{
	char name[OBJECT_LEAF_LEN + 1], hex[CFS_DIGEST_HEX_LEN + 1];
	CLEANUP_CLOSE int folder_fd = object_folder(store, digest, FOLDER_CHANGE,
						    name);
	CLEANUP_CLOSE int fd = -1;
	char aside[CFS_DIGEST_HEX_LEN + 8];
	int i, err;

	if (folder_fd < 0)
		return folder_fd == -ENOENT ? CFS_STORE_MISS : folder_fd;
	fd = open_quarantine(store);
	if (fd < 0)
		return fd;
	err = FAILPOINT("aside.before");
	if (err < 0)
		return err;
	cfs_digest_format(digest, hex);
	snprintf(aside, sizeof(aside), "%s", hex);
	for (i = 1; i < QUARANTINE_MAX; i++) {
		if (renameat2(folder_fd, name, fd, aside,
			      RENAME_NOREPLACE) == 0)
			return 0;
		if (errno == ENOENT)
			return CFS_STORE_MISS;
		if (errno != EEXIST)
			break;
		snprintf(aside, sizeof(aside), "%s.%d", hex, i);
	}
	/* The last one may be replaced; some file systems know nothing else. */
	if (renameat(folder_fd, name, fd, aside) == 0)
		return 0;
	return errno == ENOENT ? CFS_STORE_MISS : -errno;
}
