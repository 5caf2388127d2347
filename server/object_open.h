/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of a store that may be served, and nothing beside them.
 *
 * Ownership: store_files_open() gives the caller a struct store_files to
 * store_files_close(); descriptors passed in stay the caller's.  It does not
 * change afterwards, so any thread may use it.
 *
 * A path from url_target.h is opened below its folder without following links,
 * leaving the folder or its file system, or waiting; whatever is not a regular
 * file is refused.  Where files can be sealed, an object that is not, or whose
 * digest is another, is not an object: half-copied files are never served.
 */
#ifndef SERVER_OBJECT_OPEN_H
#define SERVER_OBJECT_OPEN_H

#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "server/url_target.h"

enum {
	OBJECT_REFUSED = 1,	/* there is a file, but not one to serve */
};

struct store_files {
	struct cfs_store *store;
	int root_fd;		/* O_PATH; the store's */
	bool unsealed;		/* serve objects without fs-verity too */
};

/* How every file is opened. */
extern const struct open_how object_open_how;

/**
 * store_files_open() - open a store for serving it
 * @path: the store's folder
 * @unsealed: serve objects without fs-verity where the file system has it
 * @ret: filled in; untouched on failure
 *
 * Return: 0 or -errno.
 */
int store_files_open(const char *path, bool unsealed, struct store_files *ret);

/** store_files_close() - for what store_files_open() filled in */
void store_files_close(struct store_files *files);

/**
 * object_where() - folder and path to open for a target with a path
 * @ret_path: points into @target
 *
 * Return: the folder's descriptor, borrowed.
 */
int object_where(const struct store_files *files,
		 const struct url_target *target, const char **ret_path);

/**
 * object_accept() - is this opened file what the target promises?
 * @fd: the file
 * @ret: its status; untouched unless 0
 *
 * Return: 0, OBJECT_REFUSED or -errno.
 */
int object_accept(const struct store_files *files,
		  const struct url_target *target, int fd, struct stat *ret);

#endif /* SERVER_OBJECT_OPEN_H */
