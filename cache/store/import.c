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
#include "cache/verity/hash.h"

#define CHUNK_SIZE	(256 * 1024)

static void free_hash(struct cfs_verity_hash **hash)
{
	cfs_verity_hash_free(*hash);
}

static int copy_and_hash(int from_fd, int to_fd, struct cfs_digest *ret)
{
	CLEANUP(free_hash) struct cfs_verity_hash *hash = NULL;
	CLEANUP_FREE char *chunk = malloc(CHUNK_SIZE);
	off_t offset = 0;
	int err;

	if (!chunk)
		return -ENOMEM;
	err = cfs_verity_hash_new(&hash);
	while (err == 0) {
		ssize_t n = pread(from_fd, chunk, CHUNK_SIZE, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return cfs_verity_hash_finish(hash, ret);
		err = cfs_verity_hash_add(hash, chunk, (size_t)n);
		if (err == 0)
			err = full_write(to_fd, chunk, (size_t)n);
		offset += n;
	}
	return err;
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
