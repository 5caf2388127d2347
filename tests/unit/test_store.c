// SPDX-License-Identifier: GPL-2.0-or-later
/* Test cache/store/store.c and cache/store/check.c. */
#include "cache/store/store.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>

#include "tests/unit/store_dir.h"

static void test_a_new_store_is_private(void)
{
	char path[256], sub[512];
	struct cfs_store *store = NULL;
	struct stat st;

	folder_new(path);
	snprintf(sub, sizeof(sub), "%s/store", path);
	CHECK_EQ(cfs_store_open(sub, 0, &store), -ENOENT);
	CHECK(!store);
	CHECK_EQ(cfs_store_open(sub, CFS_STORE_CREATE, &store), 0);
	CHECK_EQ(stat(sub, &st), 0);
	CHECK_EQ(st.st_mode & 07777, 0700);
	cfs_store_close(store);
	CHECK_EQ(count_entries(sub, ""), 2);	/* objects and images */
	CHECK_EQ(cfs_store_open(sub, 0, &store), 0);
	cfs_store_close(store);
	cfs_store_close(NULL);
	folder_free(path);
}

static void test_a_file_is_no_store(void)
{
	struct cfs_store *store = NULL;

	CHECK_EQ(cfs_store_open("/proc/self/exe", CFS_STORE_CREATE, &store),
		 -ENOTDIR);
	CHECK_EQ(cfs_store_open_objects("/proc/self/exe", 0, &store), -ENOTDIR);
	CHECK(!store);
}

static void test_a_miss_is_not_an_error(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_digest digest = digest_of("x", 1);
	int fd = -1;

	CHECK_EQ(cfs_store_get(dir.store, &digest, &fd), CFS_STORE_MISS);
	CHECK_EQ(fd, -1);
	CHECK_EQ(cfs_store_check(dir.store, &digest, 1), CFS_STORE_MISS);
	store_dir_free(&dir);
}

static void test_a_published_object_can_be_read(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_digest digest;
	char buf[16];
	int fd = -1;

	CHECK_EQ(publish_bytes(dir.store, "hello", 5, &digest), 0);
	CHECK_EQ(cfs_store_check(dir.store, &digest, UINT64_MAX), 0);
	CHECK_EQ(cfs_store_check(dir.store, &digest, 5), 0);
	CHECK_EQ(cfs_store_check(dir.store, &digest, 4), CFS_STORE_DAMAGED);
	CHECK_EQ(cfs_store_get(dir.store, &digest, &fd), 0);
	CHECK_EQ(read(fd, buf, sizeof(buf)), 5);
	CHECK(memcmp(buf, "hello", 5) == 0);
	close(fd);
	store_dir_free(&dir);
}

/* Whatever is planted in an object's place is neither followed nor opened. */
static void test_only_regular_files_are_objects(void)
{
	static const char *const kinds[] = { "symlink", "fifo", "folder",
					     "device" };
	struct store_dir dir = store_dir_new();
	struct cfs_digest digest = digest_of("x", 1);
	char path[512], folder[512];
	size_t i;

	object_path(&dir, &digest, path);
	snprintf(folder, sizeof(folder), "%.*s", (int)strlen(path) - 63, path);
	CHECK_EQ(mkdir(folder, 0755), 0);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		int fd = -1, err;

		fprintf(stderr, "  %s\n", kinds[i]);
		if (i == 0)
			err = symlink("/etc/passwd", path);
		else if (i == 1)
			err = mkfifo(path, 0666);
		else if (i == 2)
			err = mkdir(path, 0777);
		else
			err = mknod(path, S_IFCHR | 0666, 0x103);
		if (err < 0 && i == 3)
			continue;	/* not privileged */
		CHECK_EQ(err, 0);
		CHECK_EQ(cfs_store_get(dir.store, &digest, &fd),
			 CFS_STORE_DAMAGED);
		CHECK_EQ(fd, -1);
		CHECK_EQ(cfs_store_check(dir.store, &digest, UINT64_MAX),
			 CFS_STORE_DAMAGED);
		CHECK_EQ(remove(path), 0);
	}
	store_dir_free(&dir);
}

/* A folder of objects as other tools make it: no images, the same objects. */
static void test_a_folder_of_objects_is_enough(void)
{
	struct cfs_store *store = NULL;
	struct store_dir dir = store_dir_new();
	struct cfs_digest digest;
	char path[512];

	CHECK_EQ(publish_bytes(dir.store, "hello", 5, &digest), 0);
	snprintf(path, sizeof(path), "%s/objects", dir.path);
	CHECK_EQ(cfs_store_open_objects(path, 0, &store), 0);
	CHECK_EQ(cfs_store_check(store, &digest, 5), 0);
	CHECK_EQ(publish_bytes(store, "world", 5, &digest), 0);
	CHECK_EQ(cfs_store_check(dir.store, &digest, 5), 0);
	CHECK_EQ(cfs_store_image_set(store, "x", &digest), -EOPNOTSUPP);
	CHECK_EQ(cfs_store_image_get(store, "x", &digest), -EOPNOTSUPP);
	CHECK_EQ(cfs_store_image_remove(store, "x"), -EOPNOTSUPP);
	CHECK_EQ(cfs_store_image_each(store, NULL, NULL), -EOPNOTSUPP);
	cfs_store_close(store);
	store_dir_free(&dir);
}

/* A crash leaves the link but no lock; whoever is about to name one has it. */
static void test_files_without_their_name_are_swept(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_store *store;
	char images[300], left[320];
	struct stat st;
	int fd;

	snprintf(images, sizeof(images), "%s/images", dir.path);
	snprintf(left, sizeof(left), "%s/profiles", dir.path);
	CHECK_EQ(mkdir(left, 0755), 0);
	snprintf(left, sizeof(left), "%s/profiles/.tmp-1", dir.path);
	CHECK_EQ(mknod(left, S_IFREG | 0644, 0), 0);
	CHECK_EQ(cfs_store_open(dir.path, 0, &store), 0);
	cfs_store_close(store);
	CHECK_EQ(lstat(left, &st), -1);

	snprintf(left, sizeof(left), "%s/.tmp-1", images);
	CHECK_EQ(symlink("anywhere", left), 0);
	fd = open(images, O_RDONLY | O_DIRECTORY);
	CHECK_EQ(flock(fd, LOCK_EX), 0);
	CHECK_EQ(cfs_store_open(dir.path, 0, &store), 0);
	cfs_store_close(store);
	CHECK_EQ(lstat(left, &st), 0);
	close(fd);
	CHECK_EQ(cfs_store_open(dir.path, CFS_STORE_READ_ONLY, &store), 0);
	cfs_store_close(store);
	CHECK_EQ(lstat(left, &st), 0);
	CHECK_EQ(cfs_store_open(dir.path, 0, &store), 0);
	cfs_store_close(store);
	CHECK_EQ(lstat(left, &st), -1);
	store_dir_free(&dir);
}

RUN_TESTS(T(test_a_new_store_is_private), T(test_a_file_is_no_store),
	  T(test_a_miss_is_not_an_error),
	  T(test_a_published_object_can_be_read),
	  T(test_only_regular_files_are_objects),
	  T(test_a_folder_of_objects_is_enough),
	  T(test_files_without_their_name_are_swept))
