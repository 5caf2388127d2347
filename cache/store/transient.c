// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache/store/transient.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/store/layout.h"
#include "cache/store/store.h"

/* No image name starts with a dot, so this is never taken for one. */
#define MARK_MAX	(CFS_IMAGE_NAME_MAX + sizeof("..transient"))

#define PAUSE_MS	10
#define HOLD_TRIES	100

static void mark_of(const char *name, char ret[MARK_MAX])
{
	snprintf(ret, MARK_MAX, ".%s.transient", name);
}

int cfs_transient_set(struct cfs_store *store, const struct cfs_digest *digest)
{
	char name[CFS_DIGEST_HEX_LEN + 1], mark[MARK_MAX];
	CLEANUP_CLOSE int fd = -1;
	struct cfs_digest named;
	int err;

	cfs_digest_format(digest, name);
	if (cfs_store_image_get(store, name, &named) == 0 &&
	    cfs_digest_equal(&named, digest))
		return 0;
	err = cfs_store_image_set(store, name, digest);
	if (err)
		return err;
	mark_of(name, mark);
	fd = openat(store->images_fd, mark,
		    O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : 0;
}

void cfs_transient_keep(struct cfs_store *store, const char *name)
{
	char mark[MARK_MAX];

	mark_of(name, mark);
	if (store->images_fd >= 0)
		unlinkat(store->images_fd, mark, 0);
}

bool cfs_transient_is(const struct cfs_store *store, const char *name)
{
	char mark[MARK_MAX];

	mark_of(name, mark);
	return store->images_fd >= 0 &&
	       faccessat(store->images_fd, mark, F_OK,
			 AT_SYMLINK_NOFOLLOW) == 0;
}

int cfs_transient_hold(struct cfs_store *store, const struct cfs_digest *digest,
		       int *ret_fd)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000 * 1000 };
	char name[CFS_DIGEST_HEX_LEN + 1], mark[MARK_MAX];
	CLEANUP_CLOSE int fd = -1;
	int tries = 0;

	if (store->images_fd < 0)
		return -ENOENT;
	cfs_digest_format(digest, name);
	mark_of(name, mark);
	fd = openat(store->images_fd, mark,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* The last one that ends has it for a moment. */
	while (flock(fd, LOCK_SH | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK || ++tries == HOLD_TRIES)
			return -errno;
		nanosleep(&pause, NULL);
	}
	*ret_fd = take_fd(&fd);
	return 0;
}

void cfs_transient_release(struct cfs_store *store,
			   const struct cfs_digest *digest, int fd)
{
	char name[CFS_DIGEST_HEX_LEN + 1];

	cfs_digest_format(digest, name);
	if (cfs_transient_is(store, name) && flock(fd, LOCK_EX | LOCK_NB) == 0)
		(void)cfs_store_image_remove(store, name);
}
