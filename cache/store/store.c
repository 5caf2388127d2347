// SPDX-License-Identifier: GPL-2.0-or-later
/* Opening a store, and looking objects up in it. */
#include "cache/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <libfsverity.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/beneath.h"
#include "cache/base/cleanup.h"
#include "cache/base/failpoint.h"
#include "cache/store/list.h"
#include "cache/verity/measure.h"
#include "cache/store/foreign.h"
#include "cache/store/layout.h"

/* The folder that the caller named: its path may lead over symbolic links. */
static int open_named(const char *path, unsigned int flags, int *ret_fd)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT && (flags & CFS_STORE_CREATE)) {
		int err = FAILPOINT("store.mkdir");

		if (err < 0)
			return err;
		err = store_make_dir(AT_FDCWD, path, 0700);
		if (err < 0)
			return err;
		fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static int open_folder(int root_fd, const char *name, unsigned int flags,
		       bool create, int *ret_fd)
{
	int fd = store_folder_open(root_fd, name, FOLDER_MOUNT |
				   (create ? FOLDER_CREATE : 0) |
				   (flags & CFS_STORE_READ_ONLY ? 0 :
								  FOLDER_CHANGE),
				   0755);

	if (fd < 0)
		return fd;
	*ret_fd = fd;
	return 0;
}

/*
 * A file system may know the ioctl and still be unable to seal (block sizes), so
 * the only sure way is to seal a nameless file.  But a full or read-only one
 * must not look as if it had no verity: checks would silently become weaker.
 */
static int probe(struct cfs_store *store, unsigned int flags)
{
	struct libfsverity_merkle_tree_params params = { .version = 1 };
	CLEANUP_CLOSE int folder_fd = openat(store->objects_fd, ".",
					     O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct cfs_digest digest;
	int err;

	if (folder_fd < 0)
		return -errno;
	store->verity = cfs_object_measure(folder_fd, &digest) == -ENODATA;
	if (flags & CFS_STORE_READ_ONLY)
		return 0;

	CLEANUP_CLOSE int fd = openat(store->objects_fd, ".",
				      O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0) {
		store->tmpfile = errno != EOPNOTSUPP && errno != EISDIR;
		return 0;
	}
	if (FAILPOINT("store.tmpfile") == -EOPNOTSUPP)
		return 0;	/* as a file system that knows no nameless files */

	CLEANUP_CLOSE int ro_fd = object_reopen(store, fd);

	store->tmpfile = ro_fd >= 0;	/* sealing needs to reopen it */
	if (ro_fd < 0 || !store->verity)
		return 0;
	close(take_fd(&fd));
	err = libfsverity_enable(ro_fd, &params);
	if (err == -EOPNOTSUPP || err == -ENOTTY || err == -EINVAL)
		store->verity = false;
	return 0;
}

static int finish_open(struct cfs_store *store, unsigned int flags,
		       struct cfs_store **ret)
{
	int err;

	/* Without /proc staged files need a name: probe() finds out. */
	store->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	err = probe(store, flags);
	/* The writer that left something may have been without nameless files. */
	if (err == 0 && !(flags & CFS_STORE_READ_ONLY))
		err = object_stage_sweep(store);
	if (err < 0)
		return err;
	if (store->images_fd >= 0 && !(flags & CFS_STORE_READ_ONLY))
		image_names_sweep(store);
	if (!(flags & CFS_STORE_READ_ONLY))
		(void)cfs_store_sweep(store, false);
	*ret = store;
	return 0;
}

static struct cfs_store *new_store(void)
{
	struct cfs_store *store = malloc(sizeof(*store));

	if (store)
		*store = (struct cfs_store){
			.root_fd = -1,
			.objects_fd = -1,
			.images_fd = -1,
			.proc_fd = -1,
		};
	return store;
}

static int open_folders(struct cfs_store *store, unsigned int flags)
{
	bool create = flags & CFS_STORE_CREATE;
	const char *mark;
	int err;

	if (!(flags & CFS_STORE_READ_ONLY) && store_foreign(store->root_fd, &mark))
		return -EMEDIUMTYPE;
	err = open_folder(store->root_fd, "objects", flags, create,
			  &store->objects_fd);
	if (err < 0)
		return err;
	/* Other tools fill objects/ only; without images/ there are no names. */
	err = open_folder(store->root_fd, "images", flags,
			  create || flags & CFS_STORE_NAMES, &store->images_fd);
	return err == -ENOENT ? 0 : err;
}

int cfs_store_open(const char *path, unsigned int flags,
		   struct cfs_store **ret)
{
	struct cfs_store *store = new_store();
	int err;

	if (!store)
		return -ENOMEM;
	err = open_named(path, flags, &store->root_fd);
	if (err == 0)
		err = open_folders(store, flags);
	if (err == 0)
		err = finish_open(store, flags, ret);
	if (err < 0)
		cfs_store_close(store);
	return err;
}

int cfs_store_open_objects(const char *path, unsigned int flags,
			   struct cfs_store **ret)
{
	struct cfs_store *store = new_store();
	int err;

	if (!store)
		return -ENOMEM;
	err = open_named(path, flags, &store->objects_fd);
	if (err == 0)
		err = finish_open(store, flags, ret);
	if (err < 0)
		cfs_store_close(store);
	return err;
}

void cfs_store_close(struct cfs_store *store)
{
	if (!store)
		return;
	cleanup_close(&store->root_fd);
	cleanup_close(&store->objects_fd);
	cleanup_close(&store->images_fd);
	cleanup_close(&store->proc_fd);
	free(store);
}

bool cfs_store_has_verity(const struct cfs_store *store)
{
	return store->verity;
}

int cfs_store_objects_fd(const struct cfs_store *store)
{
	return store->objects_fd;
}

int cfs_store_root_fd(const struct cfs_store *store)
{
	return store->root_fd;
}

int cfs_store_images_changed(const struct cfs_store *store,
			     struct timespec *ret)
{
	struct stat st;

	if (store->images_fd < 0)
		return -ENOENT;
	if (fstat(store->images_fd, &st) < 0)
		return -errno;
	*ret = st.st_mtim;
	return 0;
}

int object_reopen(const struct cfs_store *store, int fd)
{
	char path[32];
	int ro_fd;

	snprintf(path, sizeof(path), "self/fd/%d", fd);
	ro_fd = openat(store->proc_fd, path, O_RDONLY | O_CLOEXEC);
	return ro_fd < 0 ? -errno : ro_fd;
}

/* What stands at a name of a folder of objects, if a regular file. */
static int open_object(int folder_fd, const char *name, int *ret_fd)
{
	struct stat st;

	/* Looked at before it is opened: opening a device can do things. */
	if (fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? CFS_STORE_MISS : -errno;
	if (!S_ISREG(st.st_mode))
		return CFS_STORE_DAMAGED;

	CLEANUP_CLOSE int fd = beneath_open(folder_fd, name,
					    O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);

	switch (fd < 0 ? -fd : 0) {
	case 0:
		break;
	case ENOENT:
		return CFS_STORE_MISS;
	case ELOOP:
	case EXDEV:
	case EBADMSG:		/* the rest: a broken fs-verity descriptor */
	case EINVAL:
	case EMSGSIZE:
	case EUCLEAN:
		return CFS_STORE_DAMAGED;
	default:
		return fd;
	}
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return CFS_STORE_DAMAGED;
	*ret_fd = take_fd(&fd);
	return 0;
}

int cfs_store_get(struct cfs_store *store, const struct cfs_digest *digest,
		  int *ret_fd)
{
	char name[OBJECT_LEAF_LEN + 1];
	CLEANUP_CLOSE int folder_fd = object_folder(store, digest, 0, name);

	if (folder_fd < 0)
		return folder_fd == -ENOENT ? CFS_STORE_MISS : folder_fd;
	return open_object(folder_fd, name, ret_fd);
}

bool cfs_store_has_file(const struct cfs_store *store, const char *path,
			uint64_t size)
{
	CLEANUP_CLOSE int fd = beneath_open(store->objects_fd, path, O_PATH, 0);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       (uint64_t)st.st_size == size;
}
