// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cache/base/errmsg.h"
#include "cache/build/dump_parse.h"
#include "cache/build/tree.h"
#include "cache/build/write.h"
#include "cache/store/list.h"
#include "cache/upkeep/gc.h"
#include "cache/store/lock.h"
#include "cache/upkeep/refs.h"
#include "tests/unit/store_dir.h"
#include "tests/unit/test.h"

struct buffer {
	char bytes[1 << 16];
	size_t len;
};

static int append(void *context, const void *data, size_t len)
{
	struct buffer *buffer = context;

	CHECK(len <= sizeof(buffer->bytes) - buffer->len);
	memcpy(buffer->bytes + buffer->len, data, len);
	buffer->len += len;
	return 0;
}

static struct cfs_digest publish(struct cfs_store *store, const void *data,
				 size_t len)
{
	struct cfs_digest digest = digest_of(data, len);

	CHECK(cfs_object_publish(store, stage_bytes(store, data, len),
				 &digest) >= 0);
	return digest;
}

/* An object of 5,000 equal letters. */
static struct cfs_digest publish_letters(struct cfs_store *store, char letter)
{
	char data[5000];

	memset(data, letter, sizeof(data));
	return publish(store, data, sizeof(data));
}

/* An image whose only file is that object; pinned as @name. */
static struct cfs_digest pin_image(struct cfs_store *store, const char *name,
				   const struct cfs_digest *object)
{
	char hex[CFS_DIGEST_HEX_LEN + 1], path[CFS_OBJECT_NAME_LEN + 1];
	char dump[512];
	struct buffer image = { .len = 0 };
	struct cfs_digest digest;
	struct cfs_tree tree = { 0 };

	cfs_digest_format(object, hex);
	cfs_object_name_format(object, path);
	snprintf(dump, sizeof(dump), "/ 0 40755 2 0 0 0 0.0 - - -\n"
		 "/f 5000 100644 1 0 0 0 0.0 %s - %s\n", path, hex);
	CHECK_EQ(cfs_dump_parse(dump, strlen(dump), 0, &tree, NULL), 0);
	CHECK_EQ(cfs_image_write(&tree, 0, 1, append, &image, NULL), 0);
	cfs_tree_release(&tree);
	digest = publish(store, image.bytes, image.len);
	CHECK_EQ(cfs_store_image_set(store, name, &digest), 0);
	return digest;
}

static int present(struct cfs_store *store, const struct cfs_digest *digest)
{
	return cfs_store_check(store, digest, UINT64_MAX) == 0;
}

/* What an image names stays, the image itself stays, the rest goes. */
static void test_keeps_what_images_need(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_digest kept = publish_letters(dir.store, 'a');
	struct cfs_digest garbage = publish_letters(dir.store, 'b');
	struct cfs_digest image = pin_image(dir.store, "one", &kept);
	struct cfs_gc_options options = { .dry_run = true };
	struct cfs_gc_report report;

	CHECK_EQ(cfs_store_gc(dir.store, &options, &report, NULL), 0);
	CHECK_EQ(report.removed.objects, 1);
	CHECK(present(dir.store, &garbage));

	options.dry_run = false;
	CHECK_EQ(cfs_store_gc(dir.store, &options, &report, NULL), 0);
	CHECK_EQ(report.images, 1);
	CHECK_EQ(report.pinned.objects, 2);
	CHECK_EQ(report.removed.objects, 1);
	CHECK(present(dir.store, &kept));
	CHECK(present(dir.store, &image));
	CHECK(!present(dir.store, &garbage));

	CHECK_EQ(cfs_store_image_remove(dir.store, "one"), 0);
	CHECK_EQ(cfs_store_gc(dir.store, &options, &report, NULL), 0);
	CHECK_EQ(report.removed.objects, 2);
	store_dir_free(&dir);
}

/* An image that can't be read may need anything: nothing is removed. */
static void test_an_unreadable_image_stops_it(void)
{
	static const char not_an_image[8192] = "hello";
	struct store_dir dir = store_dir_new();
	struct cfs_digest object = publish_letters(dir.store, 'a');
	struct cfs_digest image = publish(dir.store, not_an_image,
					  sizeof(not_an_image));
	struct cfs_gc_options options = { .dry_run = false };
	struct cfs_gc_report report;
	struct errmsg msg = { .text = "" };

	CHECK_EQ(cfs_store_image_set(dir.store, "bad", &image), 0);
	CHECK_EQ(cfs_store_gc(dir.store, &options, &report, &msg), -EUCLEAN);
	CHECK(strstr(msg.text, "bad"));
	CHECK(present(dir.store, &object));
	store_dir_free(&dir);
}

/* Just published is too young, unless age does not matter. */
static void test_young_objects_stay(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_digest object = publish_letters(dir.store, 'a');
	struct cfs_gc_options options = { .keep_younger_s = 3600 };
	struct cfs_gc_report report;

	CHECK_EQ(cfs_store_gc(dir.store, &options, &report, NULL), 0);
	CHECK_EQ(report.young.objects, 1);
	CHECK(present(dir.store, &object));
	store_dir_free(&dir);
}

/* With a limit only as much goes as has to. */
static void test_a_limit_keeps_spare_objects(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_gc_options options = { .max_size = 1 << 30 };
	struct cfs_gc_report report;

	publish_letters(dir.store, 'a');
	publish_letters(dir.store, 'b');
	CHECK_EQ(cfs_store_gc(dir.store, &options, &report, NULL), 0);
	CHECK_EQ(report.spare.objects, 2);
	CHECK_EQ(report.removed.objects, 0);
	CHECK(report.enough);

	options.max_size = report.bytes - 1;
	options.low_water = report.bytes - 4096;
	CHECK_EQ(cfs_store_gc(dir.store, &options, &report, NULL), 0);
	CHECK_EQ(report.removed.objects, 1);
	CHECK_EQ(report.spare.objects, 1);
	CHECK(report.enough);
	store_dir_free(&dir);
}

/* Set both times of an object. */
static void set_time(const struct store_dir *dir,
		     const struct cfs_digest *digest, struct timespec when)
{
	const struct timespec times[] = { when, when };
	char name[CFS_OBJECT_NAME_LEN + 1];

	cfs_object_name_format(digest, name);
	CHECK_EQ(utimensat(cfs_store_objects_fd(dir->store), name, times, 0), 0);
}

static void set_age(const struct store_dir *dir,
		    const struct cfs_digest *digest, int64_t seconds)
{
	set_time(dir, digest,
		 (struct timespec){ .tv_sec = time(NULL) - seconds });
}

/* A quota is kept while a hundred objects a second come: the newest stays. */
static void test_order_within_a_second(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_gc_options options = { .max_size = 1 << 30 };
	struct cfs_gc_report report;
	struct cfs_digest objects[8];
	const time_t second = time(NULL) - 10;
	uint64_t one, all;

	/* Neither in the order of their digests nor against it. */
	for (int i = 0; i < 8; i++) {
		objects[i] = publish_letters(dir.store, 'a' + i);
		set_time(&dir, &objects[i],
			 (struct timespec){ .tv_sec = second,
					    .tv_nsec = 1000 * i });
	}
	CHECK_EQ(cfs_store_gc(dir.store, &options, &report, NULL), 0);
	one = report.spare.bytes / 8;
	all = report.bytes;
	for (int i = 0; i < 8; i++) {
		options.max_size = all - i * one - 1;
		options.low_water = options.max_size;
		CHECK_EQ(cfs_store_gc(dir.store, &options, &report, NULL), 0);
		CHECK_EQ(report.removed.objects, 1);
		CHECK(!present(dir.store, &objects[i]));
	}
	store_dir_free(&dir);
}

/* The least recently used go first, down to the low-water mark. */
static void test_the_oldest_go_first(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_digest old = publish_letters(dir.store, 'a');
	struct cfs_digest older = publish_letters(dir.store, 'b');
	struct cfs_digest new = publish_letters(dir.store, 'c');
	struct cfs_gc_options options = { .max_size = 1 << 30 };
	struct cfs_gc_report report;
	uint64_t one;

	set_age(&dir, &old, 1000);
	set_age(&dir, &older, 2000);
	CHECK_EQ(cfs_store_gc(dir.store, &options, &report, NULL), 0);
	CHECK_EQ(report.removed.objects, 0);
	one = report.spare.bytes / 3;

	options.max_size = report.bytes - 1;
	options.low_water = report.bytes - one;
	CHECK_EQ(cfs_store_gc(dir.store, &options, &report, NULL), 0);
	CHECK(!present(dir.store, &older));
	CHECK(present(dir.store, &old) && present(dir.store, &new));

	options.max_size = report.bytes - 1;
	options.low_water = 1;
	CHECK_EQ(cfs_store_gc(dir.store, &options, &report, NULL), 0);
	CHECK_EQ(report.removed.objects, 2);
	CHECK(report.enough);
	store_dir_free(&dir);
}

/* What was needed until lately is not the oldest, whatever the mount's atime. */
static void test_being_needed_counts_as_use(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_digest released = publish_letters(dir.store, 'a');
	struct cfs_digest stale = publish_letters(dir.store, 'b');
	struct cfs_gc_options options = { .max_size = 1 << 30 };
	struct cfs_object_info info;
	struct cfs_gc_report report;

	pin_image(dir.store, "one", &released);
	set_age(&dir, &released, 400000);
	set_age(&dir, &stale, 200000);
	options.dry_run = true;
	CHECK_EQ(cfs_store_gc(dir.store, &options, &report, NULL), 0);
	CHECK_EQ(cfs_store_object_look(dir.store, &released, &info), 0);
	CHECK(info.used.tv_sec < time(NULL) - 300000);
	options.dry_run = false;
	CHECK_EQ(cfs_store_gc(dir.store, &options, &report, NULL), 0);
	CHECK_EQ(cfs_store_object_look(dir.store, &released, &info), 0);
	CHECK(info.used.tv_sec > time(NULL) - 1000);
	CHECK(info.written < time(NULL) - 300000);

	CHECK_EQ(cfs_store_image_remove(dir.store, "one"), 0);
	/* The link may have taken a block of its own. */
	options.max_size = report.bytes - 4096 - 1;
	options.low_water = report.bytes - 2 * 4096;
	CHECK_EQ(cfs_store_gc(dir.store, &options, &report, NULL), 0);
	CHECK(present(dir.store, &released));
	CHECK(!present(dir.store, &stale));
	store_dir_free(&dir);
}

/* A tenth more than the reserve, so that it is not needed again at once. */
static void test_a_reserve_that_can_not_be_had(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_gc_options options = { .reserve = UINT64_C(1) << 60 };
	struct cfs_digest object = publish_letters(dir.store, 'a');
	struct cfs_gc_report report;

	CHECK_EQ(cfs_store_gc(dir.store, &options, &report, NULL), 0);
	CHECK(!report.enough);
	CHECK_EQ(report.removed.objects, 1);
	CHECK(!present(dir.store, &object));
	store_dir_free(&dir);
}

static void put_file(const struct store_dir *dir, const char *folder,
		     const char *name, size_t len)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir->path, folder);
	CHECK(mkdir(path, 0700) == 0 || errno == EEXIST);
	snprintf(path, sizeof(path), "%s/%s/%s", dir->path, folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	CHECK(fd >= 0);
	for (; len; len -= 1000)
		CHECK_EQ(write(fd, path, 400) + write(fd, path, 100) +
			 write(fd, path, 500), 1000);
	close(fd);
}

static bool has_file(const struct store_dir *dir, const char *folder,
		     const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s/%s", dir->path, folder, name);
	return access(path, F_OK) == 0;
}

/* What does not help is not done: an object that can't fit costs no other one. */
static void test_a_need_is_met_or_nothing_goes(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_digest needed = publish_letters(dir.store, 'a');
	struct cfs_digest spare = publish_letters(dir.store, 'b');
	struct cfs_digest other = publish_letters(dir.store, 'c');
	struct cfs_gc_options options = { .max_size = 1 << 30 };
	struct cfs_gc_report report;

	pin_image(dir.store, "one", &needed);
	set_age(&dir, &spare, 1000);
	CHECK_EQ(cfs_store_gc(dir.store, &options, &report, NULL), 0);
	options.max_size = report.bytes;
	options.low_water = report.bytes;
	options.need = report.spare.bytes + 1;
	CHECK_EQ(cfs_store_gc(dir.store, &options, &report, NULL), 0);
	CHECK(!report.enough);
	CHECK_EQ(report.removed.objects, 0);
	CHECK_EQ(report.spare.objects, 2);
	CHECK(present(dir.store, &spare) && present(dir.store, &other));

	options.need = report.spare.bytes / 2;
	CHECK_EQ(cfs_store_gc(dir.store, &options, &report, NULL), 0);
	CHECK(report.enough);
	CHECK_EQ(report.removed.objects, 1);
	CHECK(!present(dir.store, &spare) && present(dir.store, &other));
	CHECK(present(dir.store, &needed));

	/* More than the disk has. */
	options.max_size = 0;
	options.low_water = 0;
	options.need = (uint64_t)1 << 60;
	CHECK_EQ(cfs_store_gc(dir.store, &options, &report, NULL), 0);
	CHECK(!report.enough);
	CHECK(present(dir.store, &other));
	store_dir_free(&dir);
}

/* All that the store takes counts, and goes in its order. */
static void test_not_only_objects_go(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_digest needed = publish_letters(dir.store, 'a');
	struct cfs_digest spare = publish_letters(dir.store, 'b');
	struct cfs_digest image = pin_image(dir.store, "one", &needed);
	struct cfs_gc_options options = { .max_size = 1 << 30 };
	char hex[CFS_DIGEST_HEX_LEN + 1], part[CFS_DIGEST_HEX_LEN + 6];
	char name[CFS_OBJECT_NAME_LEN + 1];
	struct cfs_gc_report report;

	cfs_digest_format(&needed, part);
	strcat(part, ".data");
	cfs_digest_format(&image, hex);
	put_file(&dir, "quarantine", hex, 8000);
	put_file(&dir, "packs", hex, 8000);
	put_file(&dir, "partial", part, 8000);
	/* It is needed only as long as the object itself is not there. */
	cfs_object_name_format(&needed, name);
	CHECK_EQ(unlinkat(cfs_store_objects_fd(dir.store), name, 0), 0);
	CHECK_EQ(cfs_store_gc(dir.store, &options, &report, NULL), 0);
	CHECK(report.bytes >= 3 * 8192 + report.spare.bytes +
				      report.pinned.bytes);
	CHECK_EQ(report.removed_other, 0);

	for (int i = 0; i < 4; i++) {
		options.max_size = report.bytes - 1;
		options.low_water = report.bytes - 4096;
		CHECK_EQ(cfs_store_gc(dir.store, &options, &report, NULL), 0);
		CHECK(report.enough);
		CHECK_EQ(has_file(&dir, "quarantine", hex), false);
		CHECK_EQ(present(dir.store, &spare), i < 1);
		CHECK_EQ(has_file(&dir, "partial", part), i < 2);
		CHECK_EQ(has_file(&dir, "packs", hex), i < 3);
	}
	/* Nothing is left that may go. */
	options.max_size = 1;
	options.low_water = 1;
	CHECK_EQ(cfs_store_gc(dir.store, &options, &report, NULL), 0);
	CHECK(!report.enough);
	CHECK(present(dir.store, &image));
	store_dir_free(&dir);
}

/* They are not lost for a limit that can't be reached even so. */
static void test_extras_go_only_if_that_helps(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_digest needed = publish_letters(dir.store, 'a');
	struct cfs_digest spare = publish_letters(dir.store, 'b');
	struct cfs_digest image = pin_image(dir.store, "one", &needed);
	struct cfs_gc_options options = { .max_size = 1 };
	char hex[CFS_DIGEST_HEX_LEN + 1];
	struct cfs_gc_report report;

	cfs_digest_format(&image, hex);
	put_file(&dir, "packs", hex, 8000);
	put_file(&dir, "quarantine", hex, 8000);
	CHECK_EQ(cfs_store_gc(dir.store, &options, &report, NULL), 0);
	CHECK(!report.enough);
	CHECK(!present(dir.store, &spare));
	CHECK(has_file(&dir, "packs", hex));
	CHECK(has_file(&dir, "quarantine", hex));
	store_dir_free(&dir);
}

/* The caller may know of images that have no name. */
static void test_pins_without_a_name(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_digest object = publish_letters(dir.store, 'a');
	struct cfs_digest image = pin_image(dir.store, "one", &object);
	struct cfs_gc_options options = { .pins = &image, .n_pins = 1 };
	struct cfs_gc_report report;

	CHECK_EQ(cfs_store_image_remove(dir.store, "one"), 0);
	CHECK_EQ(cfs_store_gc(dir.store, &options, &report, NULL), 0);
	CHECK_EQ(report.images, 1);
	CHECK(present(dir.store, &object) && present(dir.store, &image));
	store_dir_free(&dir);
}

/* A folder can't be unlinked: it goes to quarantine, and the rest goes on. */
static void test_a_folder_in_the_place_of_garbage(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_digest object = publish_letters(dir.store, 'a');
	struct cfs_gc_options options = { .dry_run = false };
	char name[CFS_OBJECT_NAME_LEN + 1];
	struct cfs_gc_report report;
	int fd = cfs_store_objects_fd(dir.store);

	cfs_object_name_format(&object, name);
	CHECK_EQ(unlinkat(fd, name, 0), 0);
	CHECK_EQ(mkdirat(fd, name, 0755), 0);
	CHECK_EQ(cfs_store_gc(dir.store, &options, &report, NULL), 0);
	CHECK_EQ(report.removed.objects, 1);
	CHECK(faccessat(fd, name, F_OK, 0) < 0);
	store_dir_free(&dir);
}

/* Somebody is about to pin what they found: gc waits, or says so. */
static void test_a_publisher_keeps_it_out(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_gc_options options = { .wait = false };
	struct cfs_gc_report report;
	int lock_fd = -1, second_fd = -1;

	CHECK_EQ(cfs_store_lock(dir.store, CFS_STORE_LOCK_SHARED, true,
				&lock_fd), 0);
	CHECK_EQ(cfs_store_lock(dir.store, CFS_STORE_LOCK_SHARED, false,
				&second_fd), 0);
	CHECK_EQ(cfs_store_gc(dir.store, &options, &report, NULL),
		 CFS_STORE_BUSY);
	close(lock_fd);
	close(second_fd);
	CHECK_EQ(cfs_store_gc(dir.store, &options, &report, NULL), 0);
	store_dir_free(&dir);
}

/* Two images that share an object both have it. */
static void test_refs_name_every_image(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_digest object = publish_letters(dir.store, 'a');
	struct cfs_digest other = publish_letters(dir.store, 'b');
	struct cfs_store_refs *refs;
	const struct cfs_ref *ref;
	size_t n;

	pin_image(dir.store, "one", &object);
	pin_image(dir.store, "same", &object);
	pin_image(dir.store, "two", &other);
	CHECK_EQ(cfs_store_refs_new(dir.store, NULL, 0, &refs, NULL), 0);
	CHECK_EQ(refs->n_images, 2);
	ref = cfs_store_refs_find(refs, &object, &n);
	CHECK_EQ(n, 1);
	CHECK_EQ(ref->size, 5000);
	CHECK(strchr(refs->images[ref->image].names, ' '));
	cfs_store_refs_free(refs);
	store_dir_free(&dir);
}

RUN_TESTS(T(test_keeps_what_images_need), T(test_an_unreadable_image_stops_it),
	  T(test_young_objects_stay), T(test_a_limit_keeps_spare_objects),
	  T(test_the_oldest_go_first), T(test_order_within_a_second),
	  T(test_being_needed_counts_as_use),
	  T(test_a_reserve_that_can_not_be_had),
	  T(test_a_need_is_met_or_nothing_goes), T(test_not_only_objects_go),
	  T(test_extras_go_only_if_that_helps), T(test_pins_without_a_name),
	  T(test_a_folder_in_the_place_of_garbage),
	  T(test_a_publisher_keeps_it_out), T(test_refs_name_every_image))
