// SPDX-License-Identifier: GPL-2.0-or-later
/* Making names durable, once per batch. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/failpoint.h"
#include "cache/store/publish.h"
#include "cache/store/layout.h"

int cfs_store_sync(struct cfs_store *store)
{
	CLEANUP_CLOSE int fd = openat(store->objects_fd, ".",
				      O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	int err = FAILPOINT("sync.before");

	if (err < 0)
		return err;
	if (fd < 0)
		return -errno;
	return syncfs(fd) < 0 ? -errno : FAILPOINT("sync.after");
}
