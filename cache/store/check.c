// SPDX-License-Identifier: GPL-2.0-or-later
/* Is an object what its name says? */
#include <errno.h>
#include <sys/stat.h>

#include "cache/base/cleanup.h"
#include "cache/verity/measure.h"
#include "cache/store/store.h"
#include "cache/store/layout.h"
#include "cache/verity/hash.h"

int object_check_fd(const struct cfs_store *store, int fd,
		    const struct cfs_digest *digest, uint64_t size)
{
	struct cfs_digest measured;
	struct stat st;
	int err;

	if (size != UINT64_MAX) {
		if (fstat(fd, &st) < 0)
			return -errno;
		if ((uint64_t)st.st_size != size)
			return CFS_STORE_DAMAGED;
	}
	if (!store->verity)
		return 0;
	err = cfs_object_measure(fd, &measured);
	if (err == -ENODATA || err == -EBADMSG)
		return CFS_STORE_DAMAGED;
	if (err < 0)
		return err;
	return cfs_digest_equal(&measured, digest) ? 0 : CFS_STORE_DAMAGED;
}

int cfs_store_check(struct cfs_store *store, const struct cfs_digest *digest,
		    uint64_t size)
{
	CLEANUP_CLOSE int fd = -1;
	int err = cfs_store_get(store, digest, &fd);

	return err ? err : object_check_fd(store, fd, digest, size);
}

int object_check_bytes(struct cfs_store *store, const struct cfs_digest *digest,
		       uint64_t size)
{
	CLEANUP_CLOSE int fd = -1;
	struct cfs_digest found;
	int err = cfs_store_get(store, digest, &fd);

	if (err == 0)
		err = object_check_fd(store, fd, digest, size);
	if (err)
		return err;
	err = cfs_verity_hash_fd(fd, size, &found, NULL);
	/* Unreadable is as useless as wrong; fs-verity says EIO for both. */
	if (err == -EFBIG || err == -EIO || err == -EBADMSG)
		return CFS_STORE_DAMAGED;
	if (err < 0)
		return err;
	return cfs_digest_equal(&found, digest) ? 0 : CFS_STORE_DAMAGED;
}
