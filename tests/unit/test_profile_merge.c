// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fetcher/profile/digest_list.h"
#include "fetcher/profile/find.h"
#include "fetcher/profile/merge.h"
#include "cache/mirror/profile.h"
#include "tests/unit/store_dir.h"
#include "tests/unit/test.h"

static const struct cfs_digest image = { { 9 } };

static struct digest_list read_back(const struct store_dir *dir)
{
	struct digest_list list = { .n = 0 };
	struct profile_reader reader = {
		.digest = digest_list_add_to,
		.context = &list,
	};
	char path[PROFILE_PATH_MAX], full[PROFILE_PATH_MAX + 256];
	int fd;

	snprintf(full, sizeof(full), "%s/%s", dir->path,
		 profile_path(&image, PROFILE_RECORDED, path));
	fd = open(full, O_RDONLY);
	CHECK(fd >= 0);
	CHECK_EQ(profile_read_file(&reader, fd), 0);
	CHECK_EQ(reader.n_bad, 0);
	close(fd);
	return list;
}

static void check(const struct store_dir *dir, const uint8_t *want, size_t n)
{
	struct digest_list list = read_back(dir);

	CHECK_EQ(list.n, n);
	for (size_t i = 0; i < n; i++)
		CHECK_EQ(list.digests[i].bytes[0], want[i]);
	digest_list_free(&list);
}

/* What was there stays in front; what is new follows in its order. */
static void test_old_before_new(void)
{
	static const struct cfs_digest first[] = { { { 5 } }, { { 1 } } };
	static const struct cfs_digest second[] = {
		{ { 3 } }, { { 1 } }, { { 2 } },
	};
	struct store_dir dir = store_dir_new();

	CHECK_EQ(profile_merge(dir.store, &image, first, 2), 0);
	check(&dir, (const uint8_t[]){ 5, 1 }, 2);
	CHECK_EQ(profile_merge(dir.store, &image, second, 3), 0);
	check(&dir, (const uint8_t[]){ 5, 1, 3, 2 }, 4);
	CHECK_EQ(profile_merge(dir.store, &image, first, 2), 0);
	check(&dir, (const uint8_t[]){ 5, 1, 3, 2 }, 4);
	store_dir_free(&dir);
}

/* It grows so far, and no further. */
static void test_a_profile_is_bounded(void)
{
	struct cfs_digest *digests = calloc(PROFILE_MERGE_MAX + 10,
					    sizeof(*digests));
	struct store_dir dir = store_dir_new();
	struct digest_list list;

	CHECK(digests);
	for (uint32_t i = 0; i < PROFILE_MERGE_MAX + 10; i++)
		memcpy(digests[i].bytes, &i, sizeof(i));
	CHECK_EQ(profile_merge(dir.store, &image, digests,
			       PROFILE_MERGE_MAX + 10), 0);
	CHECK_EQ(profile_merge(dir.store, &image,
			       digests + PROFILE_MERGE_MAX, 10), 0);
	list = read_back(&dir);
	CHECK_EQ(list.n, PROFILE_MERGE_MAX);
	digest_list_free(&list);
	free(digests);
	store_dir_free(&dir);
}

RUN_TESTS(T(test_old_before_new), T(test_a_profile_is_bounded))
