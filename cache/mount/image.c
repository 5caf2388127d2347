// SPDX-License-Identifier: GPL-2.0-or-later
/* Opening an image and putting it into the store. */
#include "cache/mount/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/store/inspect.h"
#include "cache/store/store.h"
#include "cache/store/transient.h"
#include "cache/verity/hash.h"

int mount_image_open(const char *path, int *ret_fd, struct errmsg *msg)
{
	/* Never wait for a FIFO. */
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY |
				    O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return errmsg_set(msg, -errno, "%s: %s", path,
				  strerror(errno));
	if (fstat(fd, &st) < 0)
		return errmsg_set(msg, -errno, "%s: %s", path,
				  strerror(errno));
	if (!S_ISREG(st.st_mode))
		return errmsg_set(msg, -EINVAL, "%s: is not a regular file",
				  path);
	*ret_fd = take_fd(&fd);
	return 0;
}

int mount_image_import(struct cfs_store *store, int image_fd, const char *path,
		       struct cfs_digest *ret, struct errmsg *msg)
{
	struct cfs_digest digest;
	uint64_t size;
	int err = cfs_verity_hash_fd(image_fd, UINT64_MAX, &digest, &size);

	/* Usually it is there: then nothing has to be copied. */
	if (err == 0)
		err = cfs_store_check(store, &digest, size);
	if (err > 0)
		return cfs_image_import(store, image_fd, path, false, ret, msg);
	if (err < 0)
		return errmsg_set(msg, err,
				  "%s: can't be put into the store: %s", path,
				  strerror(-err));
	*ret = digest;
	return 0;
}

int mount_image_pin(struct cfs_store *store, const struct cfs_digest *digest,
		    bool trusted, struct errmsg *msg)
{
	char name[CFS_DIGEST_HEX_LEN + 1];
	struct cfs_digest pinned;
	int err;

	cfs_digest_format(digest, name);
	err = cfs_store_image_get(store, name, &pinned);
	if (err == 0 && cfs_digest_equal(&pinned, digest)) {
		if (trusted)
			cfs_transient_keep(store, name);
		return 0;
	}
	err = trusted ? cfs_store_image_set(store, name, digest) :
			cfs_transient_set(store, digest);
	if (err == CFS_STORE_MISS)
		err = -ENOENT;
	if (err < 0)
		return errmsg_set(msg, err, "images/%s: can't be pinned: %s",
				  name, strerror(-err));
	return 0;
}

int mount_image_from_store(struct cfs_store *store,
			   const struct cfs_digest *digest, char *path,
			   size_t size, int *ret_fd, struct errmsg *msg)
{
	char hex[CFS_DIGEST_HEX_LEN + 1];
	int err = cfs_store_get(store, digest, ret_fd);

	cfs_digest_format(digest, hex);
	snprintf(path, size, "image %s", hex);
	if (err > 0)
		return errmsg_set(msg, -ENOENT, "the store lacks %s", path);
	if (err < 0)
		return errmsg_set(msg, err, "%s: %s", path, strerror(-err));
	return 0;
}
