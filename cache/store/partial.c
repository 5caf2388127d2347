// SPDX-License-Identifier: GPL-2.0-or-later
/* The files of objects that are here in part. */
#include "cache/store/partial.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/beneath.h"
#include "cache/base/cleanup.h"
#include "cache/store/publish.h"
#include "cache/store/layout.h"

#define FOLDER		"partial"
#define SUFFIX_LEN	5	/* of ".data" and ".tree" */

/* "<64 hex>.data" */
#define NAME_LEN	(CFS_DIGEST_HEX_LEN + SUFFIX_LEN)

static void format_name(const struct cfs_digest *digest, const char *suffix,
			char ret[NAME_LEN + 1])
{
	char hex[CFS_DIGEST_HEX_LEN + 1];

	cfs_digest_format(digest, hex);
	snprintf(ret, NAME_LEN + 1, "%s%s", hex, suffix);
}

static int open_folder(const struct cfs_store *store, unsigned int flags)
{
	return store_folder_open(store->root_fd, FOLDER, flags, 0700);
}

bool cfs_partial_exists(const struct cfs_store *store,
			const struct cfs_digest *digest)
{
	CLEANUP_CLOSE int folder_fd = open_folder(store, 0);
	char name[NAME_LEN + 1];

	format_name(digest, ".tree", name);
	return folder_fd >= 0 &&
	       faccessat(folder_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

void cfs_partial_remove(struct cfs_store *store, const struct cfs_digest *digest)
{
	CLEANUP_CLOSE int folder_fd = open_folder(store, FOLDER_CHANGE);
	char name[NAME_LEN + 1];

	if (folder_fd < 0)
		return;
	format_name(digest, ".data", name);
	unlinkat(folder_fd, name, 0);
	format_name(digest, ".tree", name);
	unlinkat(folder_fd, name, 0);
}

static int open_named(int folder_fd, const char *name, int *ret_fd)
{
	int fd = beneath_open(folder_fd, name, O_RDWR | O_CREAT | O_NONBLOCK,
			      0600);

	if (fd < 0)
		return fd;
	*ret_fd = fd;
	return 0;
}

/* A file of exactly that size; one of another size is of no use. */
static int set_size(int fd, uint64_t size)
{
	struct stat st;

	if (size > INT64_MAX)
		return -EFBIG;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EEXIST;
	if ((uint64_t)st.st_size == size)
		return 0;
	return ftruncate(fd, 0) < 0 || ftruncate(fd, (off_t)size) < 0 ? -errno : 0;
}

/* A crash after publishing left an object its old name, too: not to be written. */
static void drop_if_published(int folder_fd, const char *name)
{
	struct stat st;

	if (fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (st.st_nlink > 1 || !(st.st_mode & 0200)))
		unlinkat(folder_fd, name, 0);
}

static int open_pair(struct cfs_store *store, const struct cfs_digest *digest,
		     uint64_t size, struct cfs_partial *ret)
{
	CLEANUP_CLOSE int folder_fd = open_folder(store, FOLDER_CREATE);
	char data[NAME_LEN + 1], tree[NAME_LEN + 1];
	int err;

	if (folder_fd < 0)
		return folder_fd;
	format_name(digest, ".data", data);
	format_name(digest, ".tree", tree);
	err = open_named(folder_fd, tree, &ret->tree_fd);
	if (err == 0 && flock(ret->tree_fd, LOCK_EX | LOCK_NB) < 0)
		err = -errno;
	if (err < 0)
		return err;
	drop_if_published(folder_fd, data);
	err = open_named(folder_fd, data, &ret->data_fd);
	return err == 0 ? set_size(ret->data_fd, size) : err;
}

static int open_nameless(struct cfs_store *store, uint64_t size, bool reserve,
			 struct cfs_partial *ret)
{
	int err = cfs_object_stage(store, reserve ? size : 0, &ret->data_fd);

	if (err < 0)
		return err;
	ret->tree_fd = memfd_create("tree", MFD_CLOEXEC);
	if (ret->tree_fd < 0)
		return -errno;
	return set_size(ret->data_fd, size);
}

/* For readers: a descriptor that does not keep the file from being sealed. */
static int open_reader(struct cfs_store *store, struct cfs_partial *partial)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", partial->data_fd);
	partial->read_fd = store->proc_fd >= 0 ?
				   object_reopen(store, partial->data_fd) :
				   open(path, O_RDONLY | O_CLOEXEC);
	return partial->read_fd < 0 ? -errno : 0;
}

int cfs_partial_open(struct cfs_store *store, const struct cfs_digest *digest,
		     uint64_t size, bool keep, struct cfs_partial *ret)
{
	struct cfs_partial partial = { -1, -1, -1, false };
	int err = -EOPNOTSUPP;

	if (keep && store->root_fd >= 0) {
		err = open_pair(store, digest, size, &partial);
		partial.named = err == 0;
		if (err < 0)
			cfs_partial_close(store, &partial);
	}
	if (err < 0)
		err = open_nameless(store, size, !keep, &partial);
	if (err == 0)
		err = open_reader(store, &partial);
	if (err < 0) {
		cfs_partial_close(store, &partial);
		return err;
	}
	*ret = partial;
	return 0;
}

void cfs_partial_close(struct cfs_store *store, struct cfs_partial *partial)
{
	if (!partial->named)
		cfs_object_discard(store, partial->data_fd);
	else if (partial->data_fd >= 0)
		close(partial->data_fd);
	cleanup_close(&partial->read_fd);
	cleanup_close(&partial->tree_fd);
	*partial = (struct cfs_partial){ -1, -1, -1, false };
}

/* Without O_TMPFILE staged files have a name that publishing relies on. */
static int stage(struct cfs_store *store, const struct cfs_partial *partial,
		 const struct cfs_digest *digest)
{
	CLEANUP_CLOSE int folder_fd = -1;
	char data[NAME_LEN + 1], name[STAGED_NAME_LEN];
	int err;

	if (store->tmpfile || !partial->named)
		return 0;
	err = object_staged_name(partial->data_fd, name);
	if (err < 0)
		return err;
	folder_fd = open_folder(store, 0);
	if (folder_fd < 0)
		return folder_fd;
	format_name(digest, ".data", data);
	if (flock(partial->data_fd, LOCK_SH) < 0 ||
	    linkat(folder_fd, data, store->objects_fd, name, 0) < 0)
		return -errno;
	return 0;
}

int cfs_partial_publish(struct cfs_store *store, struct cfs_partial *partial,
			const struct cfs_digest *digest)
{
	int err = stage(store, partial, digest);

	if (err < 0)
		return err;
	err = cfs_object_publish(store, take_fd(&partial->data_fd), digest);
	if (err >= 0 && partial->named) {
		cfs_partial_remove(store, digest);
		cleanup_close(&partial->tree_fd);
	}
	return err;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* Does a process have it open?  If not, the lock is held until it is closed. */
static bool is_used(int folder_fd, const char *hex, int *ret_lock_fd)
{
	char name[NAME_LEN + 1];

	snprintf(name, sizeof(name), "%.*s.tree", CFS_DIGEST_HEX_LEN, hex);
	*ret_lock_fd = openat(folder_fd, name,
			      O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return *ret_lock_fd >= 0 && flock(*ret_lock_fd, LOCK_EX | LOCK_NB) < 0;
}

/* There is no such folder, or no place for one. */
static bool is_absent(int err)
{
	return err == -ENOENT || err == -EOPNOTSUPP;
}

bool cfs_partial_in_use(const struct cfs_store *store,
			const struct cfs_digest *digest)
{
	CLEANUP_CLOSE int folder_fd = open_folder(store, 0);
	CLEANUP_CLOSE int lock_fd = -1;
	char hex[CFS_DIGEST_HEX_LEN + 1];

	cfs_digest_format(digest, hex);
	return folder_fd >= 0 && is_used(folder_fd, hex, &lock_fd);
}

bool cfs_partial_parse(const char *path, struct cfs_digest *ret)
{
	const char *name = path + strlen(FOLDER) + 1;

	return strncmp(path, FOLDER "/", strlen(FOLDER) + 1) == 0 &&
	       strlen(name) == CFS_DIGEST_HEX_LEN + SUFFIX_LEN &&
	       cfs_digest_parse(name, CFS_DIGEST_HEX_LEN, ret) == 0;
}

static int remove_file(int folder_fd, const char *name, bool dry_run,
		       uint64_t *ret_bytes)
{
	struct stat st;

	if (fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (!dry_run && unlinkat(folder_fd, name, 0) < 0))
		return errno == ENOENT ? 0 : -errno;
	*ret_bytes += (uint64_t)st.st_blocks * 512;
	return 0;
}

int cfs_partial_evict(struct cfs_store *store, const struct cfs_digest *digest,
		      uint64_t *ret_bytes)
{
	CLEANUP_CLOSE int folder_fd = open_folder(store, FOLDER_CHANGE);
	CLEANUP_CLOSE int lock_fd = -1;
	char hex[CFS_DIGEST_HEX_LEN + 1];
	char name[CFS_DIGEST_HEX_LEN + SUFFIX_LEN + 1];
	int err;

	if (folder_fd < 0)
		return is_absent(folder_fd) ? 0 : folder_fd;
	cfs_digest_format(digest, hex);
	if (is_used(folder_fd, hex, &lock_fd))
		return 0;
	snprintf(name, sizeof(name), "%s.data", hex);
	err = remove_file(folder_fd, name, false, ret_bytes);
	snprintf(name, sizeof(name), "%s.tree", hex);
	return err == 0 ? remove_file(folder_fd, name, false, ret_bytes) : err;
}

/* Bytes of the object that are not here; UINT64_MAX if its file is not there. */
static uint64_t missing_bytes(int folder_fd, const char *hex)
{
	char name[CFS_DIGEST_HEX_LEN + SUFFIX_LEN + 1];
	uint64_t here;
	struct stat st;

	snprintf(name, sizeof(name), "%.*s.data", CFS_DIGEST_HEX_LEN, hex);
	if (fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return UINT64_MAX;
	here = (uint64_t)st.st_blocks * 512;
	return (uint64_t)st.st_size > here ? (uint64_t)st.st_size - here : 0;
}

int cfs_partial_sweep(struct cfs_store *store,
		      bool (*needed)(void *context,
				     const struct cfs_digest *digest,
				     uint64_t missing),
		      void *context, bool dry_run, uint64_t *ret_bytes)
{
	CLEANUP_CLOSE int fd = open_folder(store, FOLDER_LIST | FOLDER_CHANGE);
	int err = 0;

	if (fd < 0)
		return is_absent(fd) ? 0 : fd;

	CLEANUP(close_dir) DIR *dir = fdopendir(fd);
	const struct dirent *entry;

	if (!dir)
		return -errno;

	int folder_fd = take_fd(&fd);	/* the stream's from here on */

	while (err == 0 && (entry = readdir(dir))) {
		CLEANUP_CLOSE int lock_fd = -1;
		struct cfs_digest digest;

		if (strlen(entry->d_name) != NAME_LEN ||
		    cfs_digest_parse(entry->d_name, CFS_DIGEST_HEX_LEN,
				     &digest) < 0 ||
		    is_used(folder_fd, entry->d_name, &lock_fd) ||
		    needed(context, &digest,
			   missing_bytes(folder_fd, entry->d_name)))
			continue;
		err = remove_file(folder_fd, entry->d_name, dry_run, ret_bytes);
	}
	return err;
}
