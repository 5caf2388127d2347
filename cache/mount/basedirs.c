// SPDX-License-Identifier: GPL-2.0-or-later
/* Where a mount's objects are, and which of these folders fetch. */
#include "cache/mount/basedirs.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "cache/base/cleanup.h"

/* A fetcher shows a second tree for overlayfs; virtiofs and others do not. */
static bool is_fetcher(const char *path)
{
	CLEANUP_FREE char *retry = NULL;
	struct statfs fs;
	struct stat st;

	if (statfs(path, &fs) < 0 || fs.f_type != FUSE_SUPER_MAGIC)
		return false;
	if (asprintf(&retry, "%s/retry", path) < 0) {
		retry = NULL;
		return false;
	}
	return stat(retry, &st) == 0 && S_ISDIR(st.st_mode);
}

static int add(struct mount_basedirs *basedirs, const char *path,
	       struct errmsg *msg)
{
	char *resolved = realpath(path, NULL);
	struct stat st;
	size_t i;

	if (!resolved)
		return errmsg_set(msg, -errno, "%s: %s", path,
				  strerror(errno));
	for (i = 0; i < basedirs->n; i++) {
		/* Looked into already; overlayfs would refuse it. */
		if (strcmp(basedirs->dirs[i].path, resolved) == 0) {
			free(resolved);
			return 0;
		}
	}
	basedirs->dirs[basedirs->n].path = resolved;
	basedirs->dirs[basedirs->n].fetches = is_fetcher(resolved);
	basedirs->n++;
	if (stat(resolved, &st) < 0)
		return errmsg_set(msg, -errno, "%s: %s", path,
				  strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return errmsg_set(msg, -ENOTDIR, "%s: is not a folder", path);
	return 0;
}

static int add_all(const struct mount_options *options,
		   struct mount_basedirs *basedirs, struct errmsg *msg)
{
	CLEANUP_FREE char *objects = NULL;
	size_t i;
	int err = 0;

	if (options->store) {
		if (asprintf(&objects, "%s/objects", options->store) < 0) {
			objects = NULL;
			return -ENOMEM;
		}
		return add(basedirs, objects, msg);
	}
	for (i = 0; err == 0 && i < options->n_basedirs; i++)
		err = add(basedirs, options->basedirs[i], msg);
	return err;
}

int mount_basedirs_resolve(const struct mount_options *options,
			   struct mount_basedirs *ret, struct errmsg *msg)
{
	struct mount_basedirs basedirs = { .n = 0 };
	bool has_objects = false;
	size_t i;
	int err = add_all(options, &basedirs, msg);

	for (i = 0; i < basedirs.n; i++)
		has_objects |= !basedirs.dirs[i].fetches;
	if (err == 0 && !has_objects)
		err = errmsg_set(msg, -EINVAL,
				 "basedir= needs a folder of objects: a fetcher only fills one");
	if (err < 0) {
		mount_basedirs_free(&basedirs);
		return err;
	}
	*ret = basedirs;
	return 0;
}

void mount_basedirs_free(struct mount_basedirs *basedirs)
{
	size_t i;

	for (i = 0; i < basedirs->n; i++)
		free(basedirs->dirs[i].path);
	basedirs->n = 0;
}

int mount_basedirs_store(const struct mount_basedirs *basedirs, char **ret)
{
	const char *slash;
	size_t i = 0;

	while (basedirs->dirs[i].fetches)
		i++;
	slash = strrchr(basedirs->dirs[i].path, '/');
	*ret = NULL;
	if (strcmp(slash, "/objects") != 0)
		return 0;
	/* "/objects" is the objects of the store "/". */
	*ret = slash == basedirs->dirs[i].path ?
		strdup("/") :
		strndup(basedirs->dirs[i].path, slash - basedirs->dirs[i].path);
	return *ret ? 0 : -ENOMEM;
}
