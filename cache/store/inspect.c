// SPDX-License-Identifier: GPL-2.0-or-later
/* Is a file an image that may be mounted and pinned? */
#include "cache/store/inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/cleanup.h"
#include "cache/image/check.h"
#include "cache/image/file.h"
#include "cache/store/explain.h"
#include "cache/store/import.h"
#include "cache/store/store.h"

static void close_image(struct cfs_image_file **image)
{
	cfs_image_file_close(*image);
}

static const char *why_refused(int err)
{
	switch (err) {
	case -EINVAL:
		return "is not a composefs image";
	case -EUCLEAN:
		return "is a damaged image";
	case -EOPNOTSUPP:
		return "needs something that this version does not know, such as SHA-512 digests";
	default:
		return strerror(-err);
	}
}

int cfs_image_inspect(int image_fd, const char *what, bool whole,
		      bool *ret_has_acl, struct errmsg *msg)
{
	CLEANUP(close_image) struct cfs_image_file *file = NULL;
	CLEANUP_FREE char *where = NULL;
	int fd = fcntl(image_fd, F_DUPFD_CLOEXEC, 0), err;

	if (fd < 0)
		return errmsg_set(msg, -errno, "%s: %m", what);
	err = cfs_image_file_open(fd, &file);
	if (err == 0 && whole)
		err = cfs_image_check(cfs_image_file_image(file), &where);
	if (err < 0)
		return errmsg_set(msg, err, "%s: %s%s%s", what,
				  why_refused(err), where ? ": at " : "",
				  where ? where : "");
	if (ret_has_acl)
		*ret_has_acl = cfs_image_file_image(file)->has_acl;
	return 0;
}

int cfs_store_image_inspect(struct cfs_store *store,
			    const struct cfs_digest *digest, const char *what,
			    struct errmsg *msg)
{
	CLEANUP_CLOSE int fd = -1;
	int err = cfs_store_get(store, digest, &fd);

	if (err == CFS_STORE_MISS)
		return errmsg_set(msg, -ENOENT, "%s: the store does not have it",
				  what);
	if (err == CFS_STORE_DAMAGED)
		return errmsg_set(msg, -EUCLEAN,
				  "%s: not a regular file in the store", what);
	if (err < 0)
		return errmsg_set(msg, err, "%s: %s", what, strerror(-err));
	return cfs_image_inspect(fd, what, true, NULL, msg);
}

int cfs_image_import(struct cfs_store *store, int fd, const char *what,
		     bool whole, struct cfs_digest *ret, struct errmsg *msg)
{
	struct cfs_digest digest;
	struct errmsg why;
	int staged_fd = cfs_object_import_staged(store, fd, &digest);
	int err = staged_fd;

	if (staged_fd >= 0) {
		err = cfs_image_inspect(staged_fd, what, whole, NULL, msg);
		if (err < 0) {
			cfs_object_discard(store, staged_fd);
			return err;
		}
		err = cfs_object_publish(store, staged_fd, &digest);
	}
	if (err < 0) {
		cfs_store_explain(store, err, &why);
		return errmsg_set(msg, err, "%s: can't be put into the store: %.500s",
				  what, why.text);
	}
	*ret = digest;
	return 0;
}
