// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Making a staged file unchangeable: fs-verity, or where there is none, its data
 * on the disk before it gets a name.
 */
#include <errno.h>
#include <fcntl.h>
#include <libfsverity.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/failpoint.h"
#include "cache/verity/measure.h"
#include "cache/store/publish.h"
#include "cache/store/layout.h"

#define BUSY_TRIES	3

static int copy_bytes(int from_fd, int to_fd, uint64_t size)
{
	off_t from = 0, to = 0;

	while ((uint64_t)to < size) {
		ssize_t n = copy_file_range(from_fd, &from, to_fd, &to,
					    size - to, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
	}
	return 0;
}

/* Read-only, with no writer left that is ours; the staging lock goes along. */
static int drop_writer(const struct cfs_store *store, int *fd)
{
	char name[STAGED_NAME_LEN];
	int ro_fd, err;

	if (store->tmpfile) {
		ro_fd = object_reopen(store, *fd);
	} else {
		err = object_staged_name(*fd, name);
		if (err < 0)
			return err;
		ro_fd = openat(store->objects_fd, name,
			       O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (ro_fd < 0)
			return -errno;
		flock(ro_fd, LOCK_SH);
	}
	if (ro_fd < 0)
		return ro_fd;
	close(*fd);
	*fd = ro_fd;
	return 0;
}

static int enable(int fd, uint64_t size)
{
	const struct timespec pause = { .tv_nsec = 1000 * 1000 };
	struct libfsverity_merkle_tree_params params = {
		.version = 1,
		.file_size = size,
	};
	int i, err = -ETXTBSY;

	for (i = 0; i < BUSY_TRIES && err == -ETXTBSY; i++) {
		if (i)
			nanosleep(&pause, NULL);
		do {
			err = libfsverity_enable(fd, &params);
		} while (err == -EINTR);
	}
	return err == -EEXIST ? 0 : err;
}

/*
 * A process that somebody forked between our open and its exec still has the
 * writing descriptor; nobody knows for how long, so the bytes move to a file
 * that it can't have.
 */
static int enable_on_copy(struct cfs_store *store, int *fd, uint64_t size)
{
	int copy_fd, err;

	err = cfs_object_stage(store, size, &copy_fd);
	if (err < 0)
		return err;
	err = copy_bytes(*fd, copy_fd, size);
	if (err == 0)
		err = drop_writer(store, &copy_fd);
	if (err == 0)
		err = enable(copy_fd, size);
	if (err < 0) {
		object_staged_drop(store, copy_fd);
		return err;
	}
	object_staged_drop(store, *fd);
	*fd = copy_fd;
	return 0;
}

static int seal_with_verity(struct cfs_store *store, int *fd,
			    const struct cfs_digest *digest, uint64_t size)
{
	struct cfs_digest measured;
	int err;

	err = drop_writer(store, fd);
	if (err == 0)
		err = enable(*fd, size);
	if (err == -ETXTBSY)
		err = enable_on_copy(store, fd, size);
	if (err == 0)
		err = cfs_object_measure(*fd, &measured);
	if (err < 0)
		return err;
	return cfs_digest_equal(&measured, digest) ? 0 : -EBADMSG;
}

int object_seal(struct cfs_store *store, int *fd,
		const struct cfs_digest *digest, bool flushed)
{
	struct stat st;
	int err = FAILPOINT("seal.begin");

	if (err < 0)
		return err;
	if (fstat(*fd, &st) < 0)
		return -errno;
	if (store->verity) {
		err = seal_with_verity(store, fd, digest, st.st_size);
	} else if (!flushed) {
		while (fdatasync(*fd) < 0)
			if (errno != EINTR)
				return -errno;
	}
	if (err == 0)
		err = FAILPOINT("seal.before_mode");
	if (err < 0)
		return err;
	return fchmod(*fd, 0444) < 0 ? -errno : 0;
}
