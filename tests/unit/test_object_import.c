// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "cache/store/import.h"
#include "tests/unit/store_dir.h"
#include "tests/unit/test.h"

/* What comes out of the store is what the file held, under its digest. */
static void test_bytes_arrive_under_their_digest(void)
{
	static char data[700000];
	struct store_dir dir = store_dir_new();
	struct cfs_digest digest, expected;
	FILE *file = tmpfile();

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 7 / 3);
	expected = digest_of(data, sizeof(data));
	CHECK(file);
	CHECK_EQ(write(fileno(file), data, sizeof(data)), sizeof(data));
	CHECK_EQ(cfs_object_import(dir.store, fileno(file), &digest), 0);
	CHECK(cfs_digest_equal(&digest, &expected));
	CHECK_EQ(cfs_store_check(dir.store, &digest, sizeof(data)), 0);
	CHECK_EQ(cfs_object_import(dir.store, fileno(file), &digest),
		 CFS_PUBLISH_EXISTED);
	fclose(file);
	store_dir_free(&dir);
}

/* A pipe or a folder is refused, and nothing is left staged. */
static void test_only_regular_files_are_taken(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_digest digest;
	int fds[2];

	CHECK_EQ(pipe(fds), 0);
	CHECK_EQ(cfs_object_import(dir.store, fds[0], &digest), -EINVAL);
	close(fds[0]);
	close(fds[1]);
	store_dir_free(&dir);
}

/* Another file system than the store's can neither share nor move blocks. */
static void test_files_of_other_file_systems_are_taken(void)
{
	static const char data[] = "from far away";
	struct store_dir dir = store_dir_new();
	struct cfs_digest digest, expected = digest_of(data, sizeof(data));
	int fd = memfd_create("far", MFD_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, data, sizeof(data)), sizeof(data));
	CHECK_EQ(cfs_object_import(dir.store, fd, &digest), 0);
	CHECK(cfs_digest_equal(&digest, &expected));
	close(fd);
	store_dir_free(&dir);
}

RUN_TESTS(T(test_bytes_arrive_under_their_digest),
	  T(test_only_regular_files_are_taken),
	  T(test_files_of_other_file_systems_are_taken))
