// SPDX-License-Identifier: GPL-2.0-or-later
/* Making the file that an object is written into before it has its name. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/failpoint.h"
#include "cache/store/publish.h"
#include "cache/store/layout.h"

#define STAGED_PREFIX	".tmp-"

/*
 * Small files are not worth the journal's work: delayed allocation already says
 * ENOSPC when they are written.
 */
#define RESERVE_MIN	(256 * 1024)

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

int object_staged_name(int fd, char ret[STAGED_NAME_LEN])
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	snprintf(ret, STAGED_NAME_LEN, STAGED_PREFIX "%" PRIu64,
		 (uint64_t)st.st_ino);
	return 0;
}

static int stage_named(const struct cfs_store *store)
{
	char first[STAGED_NAME_LEN], final[STAGED_NAME_LEN];
	uint64_t random;
	int err;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	snprintf(first, sizeof(first), STAGED_PREFIX "r%" PRIx64, random);

	CLEANUP_CLOSE int fd = openat(store->objects_fd, first,
				      O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC,
				      0600);

	if (fd < 0)
		return -errno;
	err = FAILPOINT("stage.named");
	if (err == 0 && flock(fd, LOCK_SH) < 0)
		err = -errno;
	if (err == 0)
		err = object_staged_name(fd, final);
	if (err == 0 && renameat(store->objects_fd, first, store->objects_fd,
				 final) < 0)
		err = -errno;
	if (err < 0) {
		unlinkat(store->objects_fd, first, 0);
		return err;
	}
	return take_fd(&fd);
}

int cfs_object_stage(struct cfs_store *store, uint64_t size, int *ret_fd)
{
	int fd, err = FAILPOINT("stage.begin");

	if (err < 0)
		return err;
	if (store->tmpfile) {
		fd = openat(store->objects_fd, ".",
			    O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		if (fd < 0)
			return -errno;
	} else {
		fd = stage_named(store);
		if (fd < 0)
			return fd;
	}
	if (size > INT64_MAX)
		err = -EFBIG;
	else if (size >= RESERVE_MIN &&
		 fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, size) < 0 &&
		 errno != EOPNOTSUPP && errno != ENOSYS)
		err = -errno;
	if (err == 0)
		err = FAILPOINT("stage.made");
	if (err < 0) {
		object_staged_drop(store, fd);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

void cfs_object_discard(struct cfs_store *store, int fd)
{
	if (fd >= 0)
		object_staged_drop(store, fd);
}

void object_staged_drop(const struct cfs_store *store, int fd)
{
	char name[STAGED_NAME_LEN];

	if (!store->tmpfile && object_staged_name(fd, name) == 0)
		unlinkat(store->objects_fd, name, 0);
	close(fd);
}

/* The lock tells a writer's file from one that a crash left behind. */
static void sweep_one(const struct cfs_store *store, const char *name)
{
	CLEANUP_CLOSE int fd = openat(store->objects_fd, name,
				      O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
				      O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		unlinkat(store->objects_fd, name, 0);
}

int object_stage_sweep(const struct cfs_store *store)
{
	CLEANUP_CLOSE int fd = openat(store->objects_fd, ".",
				      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(close_dir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir)
		return -errno;
	take_fd(&fd);
	while ((entry = readdir(dir)))
		if (strncmp(entry->d_name, STAGED_PREFIX,
			    strlen(STAGED_PREFIX)) == 0)
			sweep_one(store, entry->d_name);
	return 0;
}
