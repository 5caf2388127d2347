// SPDX-License-Identifier: GPL-2.0-or-later
/* BASE/mirror: what it promises, and how a store comes to promise more. */
#include <errno.h>
#include <string.h>

#include "cache/base/full_io.h"
#include "cache/mirror/mirror_file.h"
#include "tests/unit/store_dir.h"
#include "tests/unit/test.h"

#define FIRST	"composefs-mirror 1\n"

static void test_what_it_says(void)
{
	static const struct {
		const char *text;
		int err;
		unsigned int folders;
	} cases[] = {
		{ FIRST, 0, 0 },
		{ "composefs-mirror 1", 0, 0 },
		{ FIRST "packs\nzst\n", 0, CFS_MIRROR_PACKS | CFS_MIRROR_ZST },
		{ FIRST "packs", 0, CFS_MIRROR_PACKS },
		{ "composefs-mirror 1\r\nverity\r\n", 0, CFS_MIRROR_VERITY },
		{ FIRST "profiles\nfuture 7\n\npacks2\n", 0, CFS_MIRROR_PROFILES },
		{ FIRST " packs\nPACKS\npacks \n", 0, 0 },
		{ "", -EINVAL, 0 },
		{ "composefs-mirror 2\npacks\n", -EINVAL, 0 },
		{ "composefs-mirror 10\npacks\n", -EINVAL, 0 },
		{ "packs\n" FIRST, -EINVAL, 0 },
		{ "<!DOCTYPE html>\npacks\n", -EINVAL, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned int folders = 0;

		fprintf(stderr, "  %zu\n", i);
		CHECK_EQ(cfs_mirror_file_parse(cases[i].text,
					       strlen(cases[i].text), &folders),
			 cases[i].err);
		CHECK_EQ(folders, cases[i].folders);
	}
}

static void test_too_long_is_none(void)
{
	char text[CFS_MIRROR_FILE_MAX + 1];
	unsigned int folders = 0;

	memset(text, '\n', sizeof(text));
	memcpy(text, FIRST "packs", strlen(FIRST "packs"));
	CHECK_EQ(cfs_mirror_file_parse(text, sizeof(text), &folders), -EINVAL);
	CHECK_EQ(cfs_mirror_file_parse(text, sizeof(text) - 1, &folders), 0);
	CHECK_EQ(folders, CFS_MIRROR_PACKS);
}

static void check_text(const char *path, const char *want)
{
	char *text = NULL;
	size_t len;
	int fd = open(path, O_RDONLY);

	CHECK(fd >= 0);
	CHECK_EQ(full_read_file(fd, &text, &len), 0);
	CHECK_EQ(len, strlen(want));
	CHECK(memcmp(text, want, len) == 0);
	free(text);
	close(fd);
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	CHECK(fd >= 0);
	CHECK_EQ(full_write(fd, text, strlen(text)), 0);
	close(fd);
}

static void make_folder(const char *store, const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", store, name);
	CHECK_EQ(mkdir(path, 0755), 0);
}

/* What others wrote stays, and nothing is written twice. */
static void test_words_are_added(void)
{
	struct store_dir dir = store_dir_new();
	const char *folder = dir.path;
	char path[300];

	make_folder(folder, "zst");
	snprintf(path, sizeof(path), "%s/mirror", folder);
	CHECK_EQ(cfs_mirror_file_update(dir.store), 0);
	check_text(path, FIRST "zst\n");
	CHECK_EQ(cfs_mirror_file_update(dir.store), 0);
	check_text(path, FIRST "zst\n");
	make_folder(folder, "packs");
	make_folder(folder, "verity");
	write_text(path, FIRST "future\npacks");
	CHECK_EQ(cfs_mirror_file_update(dir.store), 0);
	check_text(path, FIRST "future\npacks\nverity\nzst\n");
	write_text(path, "something else\n");
	CHECK_EQ(cfs_mirror_file_update(dir.store), -EINVAL);
	check_text(path, "something else\n");
	CHECK_EQ(unlink(path), 0);
	CHECK_EQ(symlink("objects/passwd", path), 0);
	CHECK_EQ(cfs_mirror_file_update(dir.store), -ELOOP);
	store_dir_free(&dir);
}

static void test_every_folder_has_a_name(void)
{
	CHECK(strcmp(cfs_mirror_folder_name(CFS_MIRROR_PACKS), "packs") == 0);
	CHECK(strcmp(cfs_mirror_folder_name(CFS_MIRROR_VERITY), "verity") == 0);
	CHECK(!cfs_mirror_folder_name(CFS_MIRROR_PACKS | CFS_MIRROR_VERITY));
}

RUN_TESTS(T(test_what_it_says), T(test_too_long_is_none),
	  T(test_words_are_added), T(test_every_folder_has_a_name))
