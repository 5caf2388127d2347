/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A store in a folder of its own for one test.
 *
 * Ownership: store_dir_new() gives the test a folder and an open store, both to
 * store_dir_free().  CFS_TEST_DIR says where the folder is made (/tmp if unset):
 * run the tests once per file system to test them all.
 */
#ifndef TESTS_UNIT_STORE_DIR_H
#define TESTS_UNIT_STORE_DIR_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/store/publish.h"
#include "cache/store/store.h"
#include "cache/verity/hash.h"
#include "tests/unit/test.h"

struct store_dir {
	char path[256];
	struct cfs_store *store;
};

static inline void folder_new(char path[256])
{
	const char *parent = getenv("CFS_TEST_DIR");

	snprintf(path, 256, "%s/test_store.XXXXXX", parent ? parent : "/tmp");
	CHECK(mkdtemp(path));
}

static inline int folder_remove_one(const char *path, const struct stat *st,
				    int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void folder_free(const char *path)
{
	CHECK_EQ(nftw(path, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static inline struct store_dir store_dir_new(void)
{
	struct store_dir dir;

	folder_new(dir.path);
	CHECK_EQ(cfs_store_open(dir.path, CFS_STORE_CREATE, &dir.store), 0);
	return dir;
}

static inline void store_dir_free(struct store_dir *dir)
{
	cfs_store_close(dir->store);
	folder_free(dir->path);
}

/* Stage a file with these bytes. */
static inline int stage_bytes(struct cfs_store *store, const void *data,
			      size_t len)
{
	int fd = -1;

	CHECK_EQ(cfs_object_stage(store, len, &fd), 0);
	CHECK_EQ(write(fd, data, len), (ssize_t)len);
	return fd;
}

static inline struct cfs_digest digest_of(const void *data, size_t len)
{
	struct cfs_digest digest;

	CHECK_EQ(cfs_verity_hash_buffer(data, len, &digest), 0);
	return digest;
}

/* Stage and publish these bytes under their digest. */
static inline int publish_bytes(struct cfs_store *store, const void *data,
				size_t len, struct cfs_digest *ret)
{
	*ret = digest_of(data, len);
	return cfs_object_publish(store, stage_bytes(store, data, len), ret);
}

/* Write "FOLDER/objects/aa/<62 hex>" into a path of 512 bytes. */
static inline void object_path(const struct store_dir *dir,
			       const struct cfs_digest *digest, char path[512])
{
	char name[CFS_OBJECT_NAME_LEN + 1];

	cfs_object_name_format(digest, name);
	snprintf(path, 512, "%s/objects/%s", dir->path, name);
}

static __thread int n_entries;

static inline int folder_count_one(const char *path, const struct stat *st,
				   int type, struct FTW *ftw)
{
	(void)path;
	(void)st;
	(void)type;
	n_entries += ftw->level > 0;
	return 0;
}

/* How many things there are below a folder, folders included; 0 if none. */
static inline int count_entries(const char *parent, const char *folder)
{
	char path[512];

	snprintf(path, sizeof(path), "%s%s", parent, folder);
	n_entries = 0;
	nftw(path, folder_count_one, 16, FTW_PHYS);
	return n_entries;
}

#endif /* TESTS_UNIT_STORE_DIR_H */
