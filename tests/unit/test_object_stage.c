// SPDX-License-Identifier: GPL-2.0-or-later
/* Test staging where there is no O_TMPFILE: with names that a crash can leave. */
#include <errno.h>
#include <string.h>
#include <sys/file.h>

#include "cache/store/layout.h"
#include "tests/unit/store_dir.h"

static struct store_dir named_store(void)
{
	struct store_dir dir = store_dir_new();

	dir.store->tmpfile = false;
	return dir;
}

static void test_a_staged_file_becomes_an_object(void)
{
	struct store_dir dir = named_store();
	struct cfs_digest digest;
	char path[512];
	struct stat st;

	CHECK_EQ(publish_bytes(dir.store, "hello", 5, &digest), 0);
	CHECK_EQ(count_entries(dir.path, "/objects"), 2);
	object_path(&dir, &digest, path);
	CHECK_EQ(stat(path, &st), 0);
	CHECK_EQ(st.st_nlink, 1);
	CHECK_EQ(st.st_mode & 07777, 0444);
	CHECK_EQ(publish_bytes(dir.store, "hello", 5, &digest),
		 CFS_PUBLISH_EXISTED);
	CHECK_EQ(count_entries(dir.path, "/objects"), 2);
	store_dir_free(&dir);
}

static void test_what_is_given_up_is_removed(void)
{
	struct store_dir dir = named_store();
	int fd = stage_bytes(dir.store, "hello", 5);

	CHECK_EQ(count_entries(dir.path, "/objects"), 1);
	cfs_object_discard(dir.store, fd);
	CHECK_EQ(count_entries(dir.path, "/objects"), 0);
	CHECK_EQ(cfs_object_stage(dir.store, UINT64_MAX, &fd), -EFBIG);
	CHECK_EQ(count_entries(dir.path, "/objects"), 0);
	store_dir_free(&dir);
}

/* A crash leaves the name but no lock; a writer at work has one. */
static void test_a_sweep_takes_leftovers_and_nothing_else(void)
{
	struct store_dir dir = named_store();
	int left = stage_bytes(dir.store, "left", 4);
	int busy = stage_bytes(dir.store, "busy", 4);
	struct cfs_digest digest = digest_of("busy", 4);

	close(left);
	CHECK_EQ(count_entries(dir.path, "/objects"), 2);
	CHECK_EQ(object_stage_sweep(dir.store), 0);
	CHECK_EQ(count_entries(dir.path, "/objects"), 1);
	CHECK_EQ(cfs_object_publish(dir.store, busy, &digest), 0);
	CHECK_EQ(object_stage_sweep(dir.store), 0);
	CHECK_EQ(cfs_store_check(dir.store, &digest, 4), 0);
	store_dir_free(&dir);
}

RUN_TESTS(T(test_a_staged_file_becomes_an_object),
	  T(test_what_is_given_up_is_removed),
	  T(test_a_sweep_takes_leftovers_and_nothing_else))
