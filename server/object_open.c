// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Open a store for serving, and judge its files.
 */
#include "server/object_open.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cache/verity/measure.h"

const struct open_how object_open_how = {
	.flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
	.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
		   RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
};

int store_files_open(const char *path, bool unsealed, struct store_files *ret)
{
	int err = cfs_store_open(path, CFS_STORE_READ_ONLY, &ret->store);

	if (err)
		return err;
	ret->root_fd = cfs_store_root_fd(ret->store);
	ret->unsealed = unsealed;
	return 0;
}

void store_files_close(struct store_files *files)
{
	cfs_store_close(files->store);
}

int object_where(const struct store_files *files,
		 const struct url_target *target, const char **ret_path)
{
	if (target->kind == URL_OBJECT) {
		/* objects/ may be a mount of its own. */
		*ret_path = target->path + strlen("objects/");
		return cfs_store_objects_fd(files->store);
	}
	*ret_path = target->path;
	return files->root_fd;
}

int object_accept(const struct store_files *files,
		  const struct url_target *target, int fd, struct stat *ret)
{
	struct cfs_digest digest;
	struct stat st;
	int err;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return OBJECT_REFUSED;
	if (target->kind == URL_OBJECT) {
		err = cfs_object_measure(fd, &digest);
		if (err == 0 && !cfs_digest_equal(&digest, &target->digest))
			return OBJECT_REFUSED;
		if (err == -EBADMSG || (err == -ENODATA && !files->unsealed))
			return OBJECT_REFUSED;
		if (err && err != -ENODATA && err != -EOPNOTSUPP)
			return err;
	}
	*ret = st;
	return 0;
}
