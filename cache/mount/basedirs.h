/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a mount's objects are, and which of these folders fetch.
 *
 * Ownership: mount_basedirs_resolve() gives the caller a list to
 * mount_basedirs_free(); its strings live as long.
 */
#ifndef CACHE_MOUNT_BASEDIRS_H
#define CACHE_MOUNT_BASEDIRS_H

#include <stdbool.h>
#include <stddef.h>

#include "cache/base/errmsg.h"
#include "cache/mount/options.h"

/**
 * struct mount_basedirs - folders of objects, in order
 * @path: absolute, without symlinks
 * @fetches: it is a fetcher's mount: an object appears in the store when it is
 *	opened there
 */
struct mount_basedirs {
	size_t n;
	struct {
		char *path;
		bool fetches;
	} dirs[MOUNT_BASEDIRS_MAX];
};

/**
 * mount_basedirs_resolve() - look at what the options name
 * @options: with basedirs or a store, which exist
 * @ret: the list; untouched on failure
 *
 * Return: 0, -EINVAL if nothing but fetchers is named, or -errno.
 */
int mount_basedirs_resolve(const struct mount_options *options,
			   struct mount_basedirs *ret, struct errmsg *msg);

/** mount_basedirs_free() - release what it holds; the struct is the caller's */
void mount_basedirs_free(struct mount_basedirs *basedirs);

/**
 * mount_basedirs_store() - the store that the first folder of objects belongs to
 * @ret: its path, owned by the caller; NULL if it belongs to none, not being
 *	called objects
 *
 * Return: 0 or -ENOMEM.
 */
int mount_basedirs_store(const struct mount_basedirs *basedirs, char **ret);

#endif /* CACHE_MOUNT_BASEDIRS_H */
