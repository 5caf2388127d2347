// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "fetcher/allow/scan.h"
#include "tests/unit/store_dir.h"
#include "tests/unit/test.h"
#include "tests/unit/tiny_image.h"

static struct cfs_digest tiny_object(void)
{
	struct cfs_digest digest;

	CHECK_EQ(cfs_object_name_parse(TINY_OBJECT, strlen(TINY_OBJECT),
				       &digest), 0);
	return digest;
}

/* Publish a tiny image that differs from others by one byte of a file. */
static struct cfs_digest pin_tiny(struct store_dir *dir, const char *name,
				  u8 byte, u64 size)
{
	struct tiny_image *tiny = tiny_make();
	struct cfs_digest digest;

	tiny->bytes[TINY_INLINE + 32] = byte;
	tiny_poke(tiny, TINY_FILE + offsetof(struct cfs_inode_extended, size),
		  8, size);
	CHECK_EQ(publish_bytes(dir->store, tiny->bytes, TINY_SIZE, &digest), 0);
	CHECK_EQ(cfs_store_image_set(dir->store, name, &digest), 0);
	tiny_free(tiny);
	return digest;
}

static struct allow_scan *scan_of(struct store_dir *dir)
{
	struct allow_scan *scan;

	CHECK_EQ(allow_scan_new(dir->store, NULL, 0, &scan), 0);
	return scan;
}

/* Objects come with their sizes, and images that come later are noticed. */
static void test_lists_what_images_name(void)
{
	struct store_dir dir = store_dir_new();
	struct allow_scan *scan = scan_of(&dir);
	struct cfs_digest object = tiny_object();
	const struct allow_image *images;
	struct allow_entry *entry;
	size_t n;

	CHECK(!allow_list_find(allow_scan_list(scan), &object));
	CHECK_EQ(allow_scan_refresh(scan), ALLOW_SCAN_SAME);
	pin_tiny(&dir, "one", 'a', TINY_FILE_SIZE);
	CHECK_EQ(allow_scan_refresh(scan), 0);
	entry = allow_list_find(allow_scan_list(scan), &object);
	CHECK(entry && entry->size == TINY_FILE_SIZE);
	CHECK_EQ(allow_scan_refresh(scan), ALLOW_SCAN_SAME);

	/* Another image with the same object is no new object. */
	pin_tiny(&dir, "two", 'b', TINY_FILE_SIZE);
	CHECK_EQ(allow_scan_refresh(scan), ALLOW_SCAN_SAME);
	images = allow_scan_images(scan, &n);
	CHECK_EQ(n, 2);
	CHECK(images[0].err == 0 && images[1].err == 0);
	CHECK(strcmp(images[1].name, "two") == 0);
	CHECK_EQ(allow_list_total(allow_scan_list(scan))->objects, 1);
	CHECK_EQ(allow_list_image(allow_scan_list(scan), 1)->objects, 1);
	allow_scan_free(scan);
	store_dir_free(&dir);
}

/* A name that goes away changes nothing until all is read again. */
static void test_images_stay_until_read_again(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_digest object = tiny_object();
	struct allow_scan *scan;

	pin_tiny(&dir, "one", 'a', TINY_FILE_SIZE);
	scan = scan_of(&dir);
	CHECK_EQ(cfs_store_image_remove(dir.store, "one"), 0);
	CHECK_EQ(allow_scan_refresh(scan), ALLOW_SCAN_SAME);
	CHECK(allow_list_find(allow_scan_list(scan), &object));
	CHECK_EQ(allow_scan_again(scan), 0);
	CHECK(!allow_list_find(allow_scan_list(scan), &object));
	allow_scan_free(scan);
	store_dir_free(&dir);
}

/* One bad image spoils no other, and is tried again when it could be better. */
static void test_bad_images_are_told_apart(void)
{
	static const char garbage[] = "this is no image at all, only an object";
	struct store_dir dir = store_dir_new();
	struct cfs_digest object = tiny_object(), digest;
	const struct allow_image *images;
	struct allow_scan *scan;
	size_t n, n_bad = 0, n_clashes = 0;

	CHECK_EQ(publish_bytes(dir.store, garbage, sizeof(garbage), &digest), 0);
	CHECK_EQ(cfs_store_image_set(dir.store, "bad", &digest), 0);
	pin_tiny(&dir, "good", 'a', TINY_FILE_SIZE);
	pin_tiny(&dir, "liar", 'b', TINY_FILE_SIZE - 1);
	scan = scan_of(&dir);
	images = allow_scan_images(scan, &n);
	CHECK_EQ(n, 3);
	for (size_t i = 0; i < n; i++) {
		n_bad += images[i].err != 0;
		n_clashes += images[i].clashes;
		CHECK((images[i].err != 0) == !strcmp(images[i].name, "bad"));
	}
	CHECK_EQ(n_bad, 1);
	CHECK_EQ(n_clashes, 1);
	CHECK(allow_list_find(allow_scan_list(scan), &object));
	allow_scan_free(scan);
	store_dir_free(&dir);
}

/* Asked for one image, it looks at no other and never at STORE/images again. */
static void test_only_the_images_asked_for(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_digest object = tiny_object(), only, missing = { { 1 } };
	const struct allow_image *images;
	struct allow_scan *scan;
	size_t n;

	only = pin_tiny(&dir, "one", 'a', TINY_FILE_SIZE);
	pin_tiny(&dir, "two", 'b', TINY_FILE_SIZE);
	CHECK_EQ(allow_scan_new(dir.store, &only, 1, &scan), 0);
	images = allow_scan_images(scan, &n);
	CHECK_EQ(n, 1);
	CHECK(!images[0].name && cfs_digest_equal(&images[0].digest, &only));
	CHECK(allow_list_find(allow_scan_list(scan), &object));
	CHECK_EQ(allow_scan_refresh(scan), ALLOW_SCAN_SAME);
	allow_scan_free(scan);

	CHECK_EQ(allow_scan_new(dir.store, &missing, 1, &scan), 0);
	images = allow_scan_images(scan, &n);
	CHECK(n == 1 && images[0].err == -ENOENT);
	allow_scan_free(scan);
	store_dir_free(&dir);
}

RUN_TESTS(T(test_lists_what_images_name), T(test_images_stay_until_read_again),
	  T(test_bad_images_are_told_apart), T(test_only_the_images_asked_for))
