// SPDX-License-Identifier: GPL-2.0-or-later
/* The store's one lock. */
#include "cache/store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "cache/base/cleanup.h"
#include "cache/store/layout.h"

int cfs_store_lock(struct cfs_store *store, enum cfs_store_lock_kind kind,
		   bool wait, int *ret_fd)
{
	CLEANUP_CLOSE int fd = openat(store->objects_fd, ".",
				      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int operation = kind == CFS_STORE_LOCK_SHARED ? LOCK_SH : LOCK_EX;

	if (fd < 0)
		return -errno;
	if (flock(fd, operation | (wait ? 0 : LOCK_NB)) < 0)
		return errno == EWOULDBLOCK ? CFS_STORE_BUSY : -errno;
	*ret_fd = take_fd(&fd);
	return 0;
}
