// SPDX-License-Identifier: GPL-2.0-or-later
/* Files beside objects: STORE/FOLDER/aa/<62 hex>. */
#include "cache/mirror/extra.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/store/list.h"
#include "cache/store/store.h"
#include "cache/store/layout.h"

/* "FOLDER/aa" */
#define FOLDER_MAX	32

/* The folder of the file beside an object, and the file's name in it. */
static int open_folder(struct cfs_store *store, const char *folder,
		       const struct cfs_digest *digest, unsigned int flags,
		       char ret_name[OBJECT_LEAF_LEN + 1])
{
	char name[CFS_OBJECT_NAME_LEN + 1], path[FOLDER_MAX];

	cfs_object_name_format(digest, name);
	snprintf(path, sizeof(path), "%.24s/%.2s", folder, name);
	strcpy(ret_name, name + 3);
	return store_folder_open(store->root_fd, path, flags, 0755);
}

int cfs_store_extra_look(struct cfs_store *store, const char *folder,
			 const struct cfs_digest *digest, uint64_t *ret_size)
{
	char name[OBJECT_LEAF_LEN + 1];
	CLEANUP_CLOSE int folder_fd = open_folder(store, folder, digest, 0, name);
	struct stat st;

	if (folder_fd < 0)
		return folder_fd == -ENOENT ? CFS_STORE_MISS : folder_fd;
	if (fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? CFS_STORE_MISS : -errno;
	if (!S_ISREG(st.st_mode))
		return CFS_STORE_MISS;
	*ret_size = (uint64_t)st.st_size;
	return 0;
}

int cfs_store_extra_folder(struct cfs_store *store, const char *folder)
{
	CLEANUP_CLOSE int fd = -1;

	return cfs_store_folder(store, folder, true, &fd);
}

int cfs_store_extra_begin(struct cfs_store *store, const char *folder,
			  const struct cfs_digest *digest,
			  struct replace_file *ret)
{
	char name[OBJECT_LEAF_LEN + 1];
	CLEANUP_CLOSE int folder_fd = open_folder(store, folder, digest,
						  FOLDER_CREATE, name);

	return folder_fd < 0 ? folder_fd :
			       replace_file_begin_at(ret, folder_fd, name, 0444);
}

struct sweep {
	bool dry_run;
	uint64_t *ret_bytes;
};

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* Remove an entry if the object of that digest is gone. */
static int sweep_one(struct cfs_store *store, int folder_fd, const char *entry,
		     const struct cfs_digest *digest, const struct sweep *sweep)
{
	struct cfs_object_info info;
	struct stat st;
	int outcome = cfs_store_object_look(store, digest, &info);

	if (outcome != CFS_STORE_MISS)
		return outcome;
	if (fstatat(folder_fd, entry, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (!sweep->dry_run && unlinkat(folder_fd, entry, 0) < 0))
		return errno == ENOENT ? 0 : -errno;
	*sweep->ret_bytes += (uint64_t)st.st_blocks * 512;
	return 0;
}

/* "<62 hex>" in folder "aa", or "<64 hex>[.NAME]"?  What is neither is not ours. */
static bool entry_digest(const char *aa, const char *entry,
			 struct cfs_digest *ret)
{
	char hex[CFS_DIGEST_HEX_LEN + 1];
	size_t aa_len = strlen(aa), len = strlen(entry);

	if (aa_len + len < CFS_DIGEST_HEX_LEN ||
	    (aa_len + len > CFS_DIGEST_HEX_LEN &&
	     (aa_len > 0 || entry[CFS_DIGEST_HEX_LEN] != '.')))
		return false;
	memcpy(hex, aa, aa_len);
	memcpy(hex + aa_len, entry, CFS_DIGEST_HEX_LEN - aa_len);
	return cfs_digest_parse(hex, CFS_DIGEST_HEX_LEN, ret) == 0;
}

static int sweep_folder(struct cfs_store *store, const char *path, const char *aa,
			const struct sweep *sweep)
{
	CLEANUP_CLOSE int fd = store_folder_open(store->root_fd, path,
						 FOLDER_LIST | FOLDER_CHANGE, 0);
	int err = 0;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;

	CLEANUP(close_dir) DIR *dir = fdopendir(fd);

	if (!dir)
		return -errno;

	int folder_fd = take_fd(&fd);	/* the stream's from here on */

	while (err == 0) {
		const struct dirent *entry;
		struct cfs_digest digest;

		errno = 0;
		entry = readdir(dir);
		if (!entry)
			return -errno;
		if (entry_digest(aa, entry->d_name, &digest))
			err = sweep_one(store, folder_fd, entry->d_name, &digest,
					sweep);
	}
	return err;
}

int cfs_store_extra_sweep(struct cfs_store *store, const char *folder,
			  bool dry_run, uint64_t *ret_bytes)
{
	const struct sweep sweep = { dry_run, ret_bytes };
	char path[32], aa[3];
	int err = 0;

	for (int byte = 0; byte < CFS_STORE_FOLDERS && err == 0; byte++) {
		snprintf(aa, sizeof(aa), "%02x", byte);
		snprintf(path, sizeof(path), "%.24s/%s", folder, aa);
		err = sweep_folder(store, path, aa, &sweep);
	}
	return err;
}

int cfs_store_extra_sweep_images(struct cfs_store *store, const char *folder,
				 bool dry_run, uint64_t *ret_bytes)
{
	const struct sweep sweep = { dry_run, ret_bytes };

	return sweep_folder(store, folder, "", &sweep);
}
