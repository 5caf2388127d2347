// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Test what a store does on a file system with fs-verity, where the kernel itself
 * vouches for an object.  CFS_TEST_DIR says where to look for one.
 */
#include <errno.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>

#include "cache/store/heal.h"
#include "cache/verity/measure.h"
#include "tests/unit/store_dir.h"

static bool has_verity(void)
{
	struct store_dir dir = store_dir_new();
	bool verity = cfs_store_has_verity(dir.store);

	store_dir_free(&dir);
	return verity;
}

#define NEED_VERITY()							\
	do {								\
		if (!has_verity())					\
			SKIP("no fs-verity on the file system of CFS_TEST_DIR (or /tmp)"); \
	} while (0)

static void expect_sealed(struct store_dir *dir,
			  const struct cfs_digest *digest)
{
	struct cfs_digest measured;
	char path[512];
	struct stat st;
	int fd = -1, flags;

	CHECK_EQ(cfs_store_get(dir->store, digest, &fd), 0);
	CHECK_EQ(cfs_object_measure(fd, &measured), 0);
	CHECK(cfs_digest_equal(&measured, digest));
	CHECK_EQ(ioctl(fd, FS_IOC_GETFLAGS, &flags), 0);
	CHECK(flags & FS_VERITY_FL);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_mode & 07777, 0444);
	close(fd);
	object_path(dir, digest, path);
	CHECK_EQ(open(path, O_RDWR | O_CLOEXEC), -1);
	CHECK_EQ(errno, EPERM);
}

static void test_the_kernel_measures_the_name_of_an_object(void)
{
	static const size_t sizes[] = { 0, 1, 4096, 4097, 128 * 4096,
					128 * 4096 + 1, 3000000 };
	struct cfs_digest digest;
	struct store_dir dir;
	char *data;
	size_t i;

	NEED_VERITY();
	dir = store_dir_new();
	data = malloc(3000000);
	CHECK(data);
	memset(data, 'x', 3000000);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		CHECK_EQ(publish_bytes(dir.store, data, sizes[i], &digest), 0);
		expect_sealed(&dir, &digest);
		CHECK_EQ(cfs_store_check(dir.store, &digest, sizes[i]), 0);
		CHECK_EQ(publish_bytes(dir.store, data, sizes[i], &digest),
			 CFS_PUBLISH_EXISTED);
	}
	free(data);
	store_dir_free(&dir);
}

static void test_other_bytes_are_refused(void)
{
	struct cfs_digest digest = digest_of("other", 5);
	struct store_dir dir;

	NEED_VERITY();
	dir = store_dir_new();
	CHECK_EQ(cfs_object_publish(dir.store,
				    stage_bytes(dir.store, "hello", 5),
				    &digest), -EBADMSG);
	CHECK_EQ(cfs_store_check(dir.store, &digest, 5), CFS_STORE_MISS);
	store_dir_free(&dir);
}

/* A forked process may hold the writing descriptor for a while. */
static void test_a_writer_that_lingers_does_not_prevent_sealing(void)
{
	struct cfs_digest digest = digest_of("hello", 5);
	struct store_dir dir;
	int fd, writer_fd;

	NEED_VERITY();
	dir = store_dir_new();
	fd = stage_bytes(dir.store, "hello", 5);
	writer_fd = dup(fd);
	CHECK(writer_fd >= 0);
	CHECK_EQ(cfs_object_publish(dir.store, fd, &digest), 0);
	expect_sealed(&dir, &digest);
	CHECK_EQ(pwrite(writer_fd, "HELLO", 5, 0), 5);
	CHECK_EQ(cfs_object_heal(dir.store, &digest, 5), CFS_HEAL_SOUND);
	close(writer_fd);
	store_dir_free(&dir);
}

/* The seal is the commit mark: without it even the right bytes are a miss. */
static void test_the_right_bytes_without_a_seal_are_not_an_object(void)
{
	struct store_dir dir;
	struct cfs_digest digest;
	char path[512];
	int fd;

	NEED_VERITY();
	dir = store_dir_new();
	CHECK_EQ(publish_bytes(dir.store, "hello", 5, &digest), 0);
	object_path(&dir, &digest, path);
	CHECK_EQ(unlink(path), 0);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0444);
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "hello", 5), 5);
	close(fd);
	CHECK_EQ(cfs_store_check(dir.store, &digest, 5), CFS_STORE_DAMAGED);
	CHECK_EQ(publish_bytes(dir.store, "hello", 5, &digest), 0);
	expect_sealed(&dir, &digest);
	store_dir_free(&dir);
}

RUN_TESTS(T(test_the_kernel_measures_the_name_of_an_object),
	  T(test_other_bytes_are_refused),
	  T(test_a_writer_that_lingers_does_not_prevent_sealing),
	  T(test_the_right_bytes_without_a_seal_are_not_an_object))
