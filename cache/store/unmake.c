// SPDX-License-Identifier: GPL-2.0-or-later
/* Taking back a store that was made for something which then failed. */
#include "cache/store/unmake.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/cleanup.h"

#define ABSENT_ROOT	(1U << 31)

static const char *const folders[] = { "objects", "images" };

/* lock.h: they are made with the first lock. */
static const char *const locks[] = { ".lock", ".lock-images", ".lock-mirror" };

#define N_FOLDERS	(sizeof(folders) / sizeof(folders[0]))

unsigned int cfs_store_absent(const char *path)
{
	CLEANUP_CLOSE int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	unsigned int absent = 0;
	struct stat st;
	size_t i;

	if (fd < 0)
		return errno == ENOENT ? ABSENT_ROOT | ((1U << N_FOLDERS) - 1) : 0;
	for (i = 0; i < N_FOLDERS; i++)
		if (fstatat(fd, folders[i], &st, AT_SYMLINK_NOFOLLOW) < 0 &&
		    errno == ENOENT)
			absent |= 1U << i;
	return absent;
}

void cfs_store_unmake(const char *path, unsigned int absent)
{
	CLEANUP_CLOSE int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	size_t i;

	if (fd < 0)
		return;
	for (i = 0; i < N_FOLDERS; i++)
		if ((absent & (1U << i)) &&
		    unlinkat(fd, folders[i], AT_REMOVEDIR) < 0 &&
		    errno != ENOENT)
			return;
	for (i = 0; absent && i < sizeof(locks) / sizeof(locks[0]); i++)
		(void)unlinkat(fd, locks[i], 0);
	if (absent & ABSENT_ROOT)
		(void)rmdir(path);
}
