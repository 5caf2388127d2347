// SPDX-License-Identifier: GPL-2.0-or-later
/* The names of images/: symlinks to objects. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/failpoint.h"
#include "cache/store/publish.h"
#include "cache/store/store.h"
#include "cache/store/layout.h"
#include "cache/store/transient.h"

/* No image name starts with a dot, so this is never taken for one. */
#define TEMP_PREFIX	".tmp-"
#define TARGET_PREFIX	"../objects/"
#define TARGET_LEN	(sizeof(TARGET_PREFIX) - 1 + CFS_OBJECT_NAME_LEN)

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z');
}

bool cfs_image_name_valid(const char *name)
{
	size_t i;

	if (!is_alnum(name[0]))
		return false;
	for (i = 1; name[i]; i++)
		if (i >= CFS_IMAGE_NAME_MAX ||
		    (!is_alnum(name[i]) && !strchr("._-", name[i])))
			return false;
	return true;
}

/* What every function below needs of its arguments. */
static int check_call(const struct cfs_store *store, const char *name)
{
	if (store->root_fd < 0)
		return -EOPNOTSUPP;
	return cfs_image_name_valid(name) ? 0 : -EINVAL;
}

/* A store without images/ has no names. */
static int read_name(const struct cfs_store *store, const char *name,
		     struct cfs_digest *ret)
{
	char target[TARGET_LEN + 1];
	ssize_t n;

	if (store->images_fd < 0)
		return CFS_STORE_MISS;
	n = readlinkat(store->images_fd, name, target, sizeof(target));
	if (n < 0 && errno == ENOENT)
		return CFS_STORE_MISS;
	if (n < 0 && errno == EINVAL)
		return CFS_STORE_DAMAGED;
	if (n < 0)
		return -errno;
	if (n != TARGET_LEN ||
	    memcmp(target, TARGET_PREFIX, strlen(TARGET_PREFIX)) != 0 ||
	    cfs_object_name_parse(target + strlen(TARGET_PREFIX),
				  CFS_OBJECT_NAME_LEN, ret) < 0)
		return CFS_STORE_DAMAGED;
	return 0;
}

int cfs_store_image_stat(struct cfs_store *store, const char *name,
			 struct stat *ret)
{
	int err = check_call(store, name);

	if (err)
		return err;
	if (store->images_fd < 0)
		return CFS_STORE_MISS;
	if (fstatat(store->images_fd, name, ret, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? CFS_STORE_MISS : -errno;
	return 0;
}

int cfs_store_image_get(struct cfs_store *store, const char *name,
			struct cfs_digest *ret)
{
	int err = check_call(store, name);

	return err < 0 ? err : read_name(store, name, ret);
}

int image_names_sync(const struct cfs_store *store)
{
	CLEANUP_CLOSE int fd = openat(store->images_fd, ".",
				      O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

/*
 * Whoever makes a link that has not got its name yet holds the lock of images/, so
 * one that is seen by the lock's holder is left over from a crash.
 */
static int lock_names(const struct cfs_store *store, bool wait, int *ret_fd)
{
	CLEANUP_CLOSE int fd = -1;
	int err = store_lock_open(store->root_fd, store->images_fd,
				  ".lock-images", &fd);

	if (err < 0)
		return err;
	do {
		err = store_lock_take(fd, LOCK_EX, wait);
	} while (err == -EINTR);
	if (err == 0)
		*ret_fd = take_fd(&fd);
	return err;
}

void image_names_sweep(const struct cfs_store *store)
{
	CLEANUP_CLOSE int lock_fd = -1;
	struct dirent *entry;

	/* Busy: the next start will find it. */
	if (lock_names(store, false, &lock_fd) != 0)
		return;

	CLEANUP_CLOSE int fd = openat(store->images_fd, ".",
				      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(close_dir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return;
	take_fd(&fd);		/* the stream's from here on */
	while ((entry = readdir(dir)))
		if (strncmp(entry->d_name, TEMP_PREFIX,
			    strlen(TEMP_PREFIX)) == 0)
			unlinkat(store->images_fd, entry->d_name, 0);
}

/* The name leads to @target, whatever it led to before. */
static int set_link(const struct cfs_store *store, const char *name,
		    const char *target)
{
	CLEANUP_CLOSE int lock_fd = -1;
	char temp[32];
	int err = lock_names(store, true, &lock_fd);

	if (err == 0)
		err = FAILPOINT("name.before_temp");
	if (err < 0)
		return err;
	snprintf(temp, sizeof(temp), TEMP_PREFIX "%d", getpid());
	unlinkat(store->images_fd, temp, 0);
	if (symlinkat(target, store->images_fd, temp) < 0)
		return -errno;
	err = FAILPOINT("name.before_rename");
	if (err == 0 &&
	    renameat(store->images_fd, temp, store->images_fd, name) < 0)
		err = -errno;
	if (err < 0)
		unlinkat(store->images_fd, temp, 0);
	return err;
}

int cfs_store_image_set(struct cfs_store *store, const char *name,
			const struct cfs_digest *digest)
{
	CLEANUP_CLOSE int object_fd = -1;
	char target[TARGET_LEN + 1];
	int err = check_call(store, name);

	if (err < 0)
		return err;
	if (store->images_fd < 0)
		return -ENOENT;
	err = cfs_store_get(store, digest, &object_fd);
	if (err)
		return err < 0 ? err : CFS_STORE_MISS;
	err = cfs_store_sync(store);
	if (err < 0)
		return err;
	memcpy(target, TARGET_PREFIX, strlen(TARGET_PREFIX));
	cfs_object_name_format(digest, target + strlen(TARGET_PREFIX));
	cfs_transient_keep(store, name);
	err = set_link(store, name, target);
	if (err == 0)
		err = FAILPOINT("name.after_rename");
	return err < 0 ? err : image_names_sync(store);
}

int cfs_store_image_remove(struct cfs_store *store, const char *name)
{
	int err = check_call(store, name);

	if (err < 0)
		return err;
	if (store->images_fd < 0)
		return CFS_STORE_MISS;
	err = FAILPOINT("unname.before");
	if (err < 0)
		return err;
	if (unlinkat(store->images_fd, name, 0) < 0)
		return errno == ENOENT ? CFS_STORE_MISS : -errno;
	cfs_transient_keep(store, name);
	err = FAILPOINT("unname.after");
	return err < 0 ? err : image_names_sync(store);
}

int cfs_store_image_each(struct cfs_store *store, cfs_store_image_fn fn,
			 void *context)
{
	struct dirent *entry;

	if (store->root_fd < 0)
		return -EOPNOTSUPP;
	if (store->images_fd < 0)
		return 0;

	CLEANUP_CLOSE int fd = openat(store->images_fd, ".",
				      O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;

	CLEANUP(close_dir) DIR *dir = fdopendir(fd);

	if (!dir)
		return -errno;
	take_fd(&fd);
	for (;;) {
		struct cfs_digest digest;
		int err;

		errno = 0;
		entry = readdir(dir);
		if (!entry)
			return -errno;
		if (!cfs_image_name_valid(entry->d_name) ||
		    read_name(store, entry->d_name, &digest) != 0)
			continue;
		err = fn(context, entry->d_name, &digest);
		if (err)
			return err;
	}
}
