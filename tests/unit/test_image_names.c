// SPDX-License-Identifier: GPL-2.0-or-later
/* Test cache/store/names.c. */
#include <errno.h>
#include <string.h>

#include "tests/unit/store_dir.h"

static void test_names_are_a_closed_alphabet(void)
{
	char longest[CFS_IMAGE_NAME_MAX + 2];

	CHECK(cfs_image_name_valid("a"));
	CHECK(cfs_image_name_valid("0debian-12.5_x86.cfs"));
	CHECK(!cfs_image_name_valid(""));
	CHECK(!cfs_image_name_valid("."));
	CHECK(!cfs_image_name_valid(".tmp-1"));
	CHECK(!cfs_image_name_valid("-a"));
	CHECK(!cfs_image_name_valid("_a"));
	CHECK(!cfs_image_name_valid("a/b"));
	CHECK(!cfs_image_name_valid("a b"));
	CHECK(!cfs_image_name_valid("a\n"));
	CHECK(!cfs_image_name_valid("\xc3\xa4"));
	memset(longest, 'a', sizeof(longest));
	longest[CFS_IMAGE_NAME_MAX + 1] = '\0';
	CHECK(!cfs_image_name_valid(longest));
	longest[CFS_IMAGE_NAME_MAX] = '\0';
	CHECK(cfs_image_name_valid(longest));
}

static void test_a_name_leads_to_its_image(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_digest first, second, found;
	char path[512], target[128];
	ssize_t n;

	CHECK_EQ(publish_bytes(dir.store, "one", 3, &first), 0);
	CHECK_EQ(publish_bytes(dir.store, "two", 3, &second), 0);
	CHECK_EQ(cfs_store_image_get(dir.store, "os", &found), CFS_STORE_MISS);
	CHECK_EQ(cfs_store_image_set(dir.store, "os", &first), 0);
	CHECK_EQ(cfs_store_image_get(dir.store, "os", &found), 0);
	CHECK(cfs_digest_equal(&found, &first));
	CHECK_EQ(cfs_store_image_set(dir.store, "os", &second), 0);
	CHECK_EQ(cfs_store_image_get(dir.store, "os", &found), 0);
	CHECK(cfs_digest_equal(&found, &second));
	CHECK_EQ(count_entries(dir.path, "/images"), 1);

	snprintf(path, sizeof(path), "%s/images/os", dir.path);
	n = readlink(path, target, sizeof(target));
	CHECK_EQ(n, 11 + CFS_OBJECT_NAME_LEN);
	CHECK(memcmp(target, "../objects/", 11) == 0);
	CHECK_EQ(access(path, R_OK), 0);

	CHECK_EQ(cfs_store_image_remove(dir.store, "os"), 0);
	CHECK_EQ(cfs_store_image_remove(dir.store, "os"), CFS_STORE_MISS);
	CHECK_EQ(cfs_store_check(dir.store, &second, 3), 0);
	store_dir_free(&dir);
}

/* A name never leads nowhere, and is never a path. */
static void test_a_name_is_refused_without_its_image(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_digest digest = digest_of("x", 1);

	CHECK_EQ(cfs_store_image_set(dir.store, "os", &digest), CFS_STORE_MISS);
	CHECK_EQ(cfs_store_image_set(dir.store, "../os", &digest), -EINVAL);
	CHECK_EQ(cfs_store_image_get(dir.store, "../os", &digest), -EINVAL);
	CHECK_EQ(cfs_store_image_remove(dir.store, "../objects"), -EINVAL);
	CHECK_EQ(count_entries(dir.path, "/images"), 0);
	store_dir_free(&dir);
}

static int count_name(void *context, const char *name,
		      const struct cfs_digest *digest)
{
	int *n = context;

	(void)digest;
	CHECK(strcmp(name, "good") == 0);
	return ++*n == 2 ? 42 : 0;
}

/* What somebody else put into images/ is passed over. */
static void test_only_links_to_objects_are_visited(void)
{
	static const char *const targets[] = {
		"/etc/passwd", "../objects/", "../objects/aa/bb",
		"../objects/AA/0000000000000000000000000000000000000000000000000000"
		"0000000000",
		"../objects/00/0000000000000000000000000000000000000000000000000000"
		"0000000000/../x",
	};
	struct store_dir dir = store_dir_new();
	struct cfs_digest digest, found;
	char path[512];
	int n = 0, fd;
	size_t i;

	CHECK_EQ(publish_bytes(dir.store, "one", 3, &digest), 0);
	for (i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		snprintf(path, sizeof(path), "%s/images/bad%zu", dir.path, i);
		CHECK_EQ(symlink(targets[i], path), 0);
		snprintf(path, sizeof(path), "bad%zu", i);
		CHECK_EQ(cfs_store_image_get(dir.store, path, &found),
			 CFS_STORE_DAMAGED);
	}
	snprintf(path, sizeof(path), "%s/images/file", dir.path);
	fd = open(path, O_CREAT | O_CLOEXEC, 0444);
	CHECK(fd >= 0);
	close(fd);
	CHECK_EQ(cfs_store_image_get(dir.store, "file", &found),
		 CFS_STORE_DAMAGED);
	snprintf(path, sizeof(path), "%s/images/.tmp-1", dir.path);
	CHECK_EQ(symlink("x", path), 0);

	CHECK_EQ(cfs_store_image_set(dir.store, "good", &digest), 0);
	CHECK_EQ(cfs_store_image_each(dir.store, count_name, &n), 0);
	CHECK_EQ(n, 1);
	CHECK_EQ(cfs_store_image_each(dir.store, count_name, &n), 42);
	store_dir_free(&dir);
}

RUN_TESTS(T(test_names_are_a_closed_alphabet),
	  T(test_a_name_leads_to_its_image),
	  T(test_a_name_is_refused_without_its_image),
	  T(test_only_links_to_objects_are_visited))
