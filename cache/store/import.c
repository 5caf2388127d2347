// SPDX-License-Identifier: GPL-2.0-or-later
/* A file that lies somewhere else becomes an object. */
#include "cache/store/import.h"

#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/failpoint.h"
#include "cache/base/full_io.h"
#include "cache/base/sparse.h"
#include "cache/verity/hash.h"

#define CHUNK_SIZE	(256 * 1024)

static void free_hash(struct cfs_verity_hash **hash)
{
	cfs_verity_hash_free(*hash);
}

struct copy {
	struct cfs_verity_hash *hash;
	int to_fd;
};

static int take_bytes(void *context, const void *data, uint64_t len,
		      uint64_t offset)
{
	struct copy *copy = context;
	int err;

	if (!data)
		return cfs_verity_hash_add_zeros(copy->hash, len);
	err = cfs_verity_hash_add(copy->hash, data, len);
	return err ? err : full_pwrite(copy->to_fd, data, len, (off_t)offset);
}

/* Holes stay holes. */
static int copy_and_hash(int from_fd, int to_fd, struct cfs_digest *ret)
{
	CLEANUP(free_hash) struct cfs_verity_hash *hash = NULL;
	CLEANUP_FREE char *chunk = malloc(CHUNK_SIZE);
	struct copy copy = { .to_fd = to_fd };
	uint64_t size;
	int err;

	if (!chunk)
		return -ENOMEM;
	err = cfs_verity_hash_new(&hash);
	copy.hash = hash;
	if (!err)
		err = sparse_read(from_fd, UINT64_MAX, chunk, CHUNK_SIZE,
				  take_bytes, &copy, &size);
	if (!err && ftruncate(to_fd, (off_t)size) < 0)
		err = -errno;
	return err ? err : cfs_verity_hash_finish(hash, ret);
}

int cfs_object_import_staged(struct cfs_store *store, int fd,
			     struct cfs_digest *ret)
{
	struct stat st;
	int staged_fd, err;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	err = cfs_object_stage(store, 0, &staged_fd);
	if (err < 0)
		return err;
	if (ioctl(staged_fd, FICLONE, fd) == 0)
		err = cfs_verity_hash_fd(staged_fd, UINT64_MAX, ret, NULL);
	else
		err = copy_and_hash(fd, staged_fd, ret);
	if (err == 0)
		err = FAILPOINT("import.copied");
	if (err < 0) {
		cfs_object_discard(store, staged_fd);
		return err;
	}
	return staged_fd;
}

int cfs_object_import(struct cfs_store *store, int fd, struct cfs_digest *ret)
{
	struct cfs_digest digest;
	int err = cfs_object_import_staged(store, fd, &digest);

	if (err < 0)
		return err;
	err = cfs_object_publish(store, err, &digest);
	if (err >= 0)
		*ret = digest;
	return err;
}
