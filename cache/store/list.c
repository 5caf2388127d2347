// SPDX-License-Identifier: GPL-2.0-or-later
/* Walking objects/aa/. */
#include "cache/store/list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/timespec.h"
#include "cache/store/store.h"
#include "cache/store/layout.h"

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* Fill all but the digest. */
static int look(int dir_fd, const char *name, struct cfs_object_info *ret)
{
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? CFS_STORE_MISS : -errno;
	ret->size = (uint64_t)st.st_size;
	ret->disk_size = (uint64_t)st.st_blocks * 512;
	ret->written = st.st_mtime;
	ret->used = timespec_compare(&st.st_atim, &st.st_mtim) > 0 ?
			    st.st_atim : st.st_mtim;
	ret->regular = S_ISREG(st.st_mode);
	return 0;
}

static int describe(int folder_fd, const char *folder, const char *entry,
		    struct cfs_object_info *ret)
{
	char name[CFS_OBJECT_NAME_LEN + 1];

	if (strlen(entry) != CFS_OBJECT_NAME_LEN - 3)
		return CFS_STORE_MISS;
	snprintf(name, sizeof(name), "%s/%s", folder, entry);
	if (cfs_object_name_parse(name, CFS_OBJECT_NAME_LEN, &ret->digest) < 0)
		return CFS_STORE_MISS;
	return look(folder_fd, entry, ret);
}

int cfs_store_object_look(struct cfs_store *store,
			  const struct cfs_digest *digest,
			  struct cfs_object_info *ret)
{
	char name[OBJECT_LEAF_LEN + 1];
	CLEANUP_CLOSE int folder_fd = object_folder(store, digest, 0, name);

	if (folder_fd < 0)
		return folder_fd == -ENOENT ? CFS_STORE_MISS : folder_fd;
	ret->digest = *digest;
	return look(folder_fd, name, ret);
}

int cfs_store_folder_each(struct cfs_store *store, uint8_t first_byte,
			  cfs_object_fn fn, void *context)
{
	char folder[3];

	snprintf(folder, sizeof(folder), "%02x", first_byte);

	CLEANUP_CLOSE int fd = store_folder_open(store->objects_fd, folder,
						 FOLDER_LIST, 0);

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;

	CLEANUP(close_dir) DIR *dir = fdopendir(fd);

	if (!dir)
		return -errno;

	int folder_fd = take_fd(&fd);	/* the stream's from here on */

	for (;;) {
		struct cfs_object_info info;
		const struct dirent *entry;
		int err;

		errno = 0;
		entry = readdir(dir);
		if (!entry)
			return -errno;
		err = describe(folder_fd, folder, entry->d_name, &info);
		if (err == CFS_STORE_MISS)
			continue;
		if (err == 0)
			err = fn(context, &info);
		if (err)
			return err;
	}
}

int cfs_store_object_mark_used(struct cfs_store *store,
			       const struct cfs_digest *digest)
{
	const struct timespec times[] = {
		{ .tv_nsec = UTIME_NOW },	/* of access */
		{ .tv_nsec = UTIME_OMIT },	/* of modification: publication */
	};
	char name[OBJECT_LEAF_LEN + 1];
	CLEANUP_CLOSE int folder_fd = object_folder(store, digest, FOLDER_CHANGE,
						    name);

	if (folder_fd < 0)
		return folder_fd == -ENOENT ? CFS_STORE_MISS : folder_fd;
	if (utimensat(folder_fd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? CFS_STORE_MISS : -errno;
	return 0;
}

int cfs_store_object_remove(struct cfs_store *store,
			    const struct cfs_digest *digest)
{
	char name[OBJECT_LEAF_LEN + 1];
	CLEANUP_CLOSE int folder_fd = object_folder(store, digest, FOLDER_CHANGE,
						    name);

	if (folder_fd < 0)
		return folder_fd == -ENOENT ? CFS_STORE_MISS : folder_fd;
	if (unlinkat(folder_fd, name, 0) < 0)
		return errno == ENOENT ? CFS_STORE_MISS : -errno;
	return 0;
}
