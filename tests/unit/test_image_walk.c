// SPDX-License-Identifier: GPL-2.0-or-later
/* A whole image: the walk, the check, the objects, and an image in a file. */
#include <fcntl.h>
#include <unistd.h>

#include "cache/image/check.h"
#include "cache/image/file.h"
#include "cache/image/objects.h"
#include "cache/image/walk.h"
#include "tests/unit/tiny_image.h"

#define DIRENT(block, i, member) \
	((block) + (i) * sizeof(struct cfs_dirent) + \
	 offsetof(struct cfs_dirent, member))
#define COMPACT(place, member) \
	((place) + offsetof(struct cfs_inode_compact, member))

struct paths {
	char text[65536];
	size_t len;
	unsigned int again;
	const char *prune;
};

static int note_path(void *context, const struct cfs_walk_entry *entry)
{
	struct paths *paths = context;

	CHECK_EQ(strlen(entry->path), entry->path_len);
	paths->len += (size_t)snprintf(paths->text + paths->len,
				       sizeof(paths->text) - paths->len,
				       "%u %s %s\n", entry->depth, entry->path,
				       entry->name);
	paths->again += entry->again;
	return paths->prune && strcmp(entry->path, paths->prune) == 0 ?
		       CFS_WALK_PRUNE : 0;
}

static void test_walk_is_in_name_order(void)
{
	struct tiny_image *tiny = tiny_make();
	struct paths paths = { .prune = "/dir" };
	struct cfs_image image;

	tiny_open(tiny, &image);
	CHECK_EQ(cfs_image_walk(&image, 0, note_path, &paths, NULL), 0);
	CHECK(strcmp(paths.text, "0 / \n1 /dev dev\n1 /dir dir\n"
		     "1 /file file\n1 /inline inline\n1 /link link\n") == 0);
	paths = (struct paths){ .prune = NULL };
	CHECK_EQ(cfs_image_walk(&image, CFS_WALK_WHITEOUTS, note_path, &paths,
				NULL), 0);
	CHECK(strstr(paths.text, "1 /00 00\n1 /dev dev\n1 /dir dir\n"
		     "2 /dir/n000 n000\n2 /dir/n001 n001\n"));
	CHECK(strstr(paths.text, "2 /dir/o2 o2\n1 /file file\n"));
	/* All names in /dir lead to one inode, and so does /inline. */
	CHECK_EQ(paths.again, TINY_DIR_FULL + TINY_DIR_TAIL);
	tiny_free(tiny);
}

static int stop(void *context, const struct cfs_walk_entry *entry)
{
	(void)context;
	return entry->depth == 2 ? -EINTR : 0;
}

static void test_walk_can_be_stopped(void)
{
	struct tiny_image *tiny = tiny_make();
	struct cfs_image image;
	char *path = NULL;

	tiny_open(tiny, &image);
	CHECK_EQ(cfs_image_walk(&image, 0, stop, NULL, &path), -EINTR);
	CHECK(strcmp(path, "/dir/n000") == 0);
	free(path);
	tiny_free(tiny);
}

/* What only a walk can see, and what only a check looks at. */
static void test_bad_tree_is_refused(void)
{
	static const struct {
		const char *why, *where;
		size_t offset, width;
		u64 value;
		u8 type;	/* not 0: of the entry whose nid is at @offset */
	} cases[] = {
		{ "directory with two names", "/file",
		  DIRENT(TINY_ROOT_BLOCK, 5, nid), 8, TINY_NID(TINY_DIR),
		  CFS_FT_DIR },
		{ "directory below itself", "/dir/n000",
		  DIRENT(TINY_DIR_BLOCK, 2, nid), 8, TINY_NID(TINY_DIR),
		  CFS_FT_DIR },
		{ "root below itself", "/dir/n000",
		  DIRENT(TINY_DIR_BLOCK, 2, nid), 8, TINY_NID(TINY_ROOT),
		  CFS_FT_DIR },
		{ "wrong .", "/dir",
		  DIRENT(TINY_DIR_BLOCK, 0, nid), 8, TINY_NID(TINY_ROOT), 0 },
		{ "wrong ..", "/dir",
		  DIRENT(TINY_DIR_BLOCK, 1, nid), 8, TINY_NID(TINY_DIR), 0 },
		{ "wrong .. of the root", "/",
		  DIRENT(TINY_ROOT_BLOCK, 1, nid), 8, TINY_NID(TINY_DIR), 0 },
		{ ". is a file", "/dir",
		  DIRENT(TINY_DIR_BLOCK, 0, file_type), 1, CFS_FT_REG, 0 },
		{ "no .", "/dir", TINY_DIR_BLOCK + 256 * 12, 1, '-', 0 },
		{ "no ..", "/dir", TINY_DIR_BLOCK + 256 * 12 + 2, 1, '1', 0 },
		{ "type of another file", "/link",
		  DIRENT(TINY_ROOT_BLOCK, 7, nid), 8, TINY_NID(TINY_INLINE), 0 },
		{ "no inode there", "/link",
		  DIRENT(TINY_ROOT_BLOCK, 7, nid), 8, 1 << 30, 0 },
		{ "NUL in a symlink", "/link", TINY_LINK + 32, 1, 0, 0 },
		{ "xattr over the end", "/file", TINY_REDIRECT + 2, 2, 70, 0 },
		{ "a chunk that is no hole", "/file", TINY_XATTRS_END, 4, 1, 0 },
		{ "path out of the basedir", "/file", TINY_REDIRECT_VALUE, 4,
		  '/' | '.' << 8 | '.' << 16 | '/' << 24, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tiny_image *tiny = tiny_make();
		struct cfs_image image;
		char *path = NULL;

		fprintf(stderr, "  %s\n", cases[i].why);
		tiny_open(tiny, &image);
		CHECK_EQ(cfs_image_check(&image, &path), 0);
		CHECK(!path);
		tiny_poke(tiny, cases[i].offset, cases[i].width,
			  cases[i].value);
		if (cases[i].type)
			tiny_poke(tiny, cases[i].offset +
				  offsetof(struct cfs_dirent, file_type), 1,
				  cases[i].type);
		CHECK_EQ(cfs_image_check(&image, &path), -EFSCORRUPTED);
		CHECK(path);
		fprintf(stderr, "    in %s\n", path);
		CHECK(strncmp(path, cases[i].where,
			      strlen(cases[i].where)) == 0);
		free(path);
		tiny_free(tiny);
	}
}

/* Inodes whose xattr bodies lie over each other would cost quadratic time. */
static void test_shared_bytes_are_refused(void)
{
	struct tiny_image *tiny = tiny_make();
	struct cfs_image image;

	for (unsigned int i = 0; i < 40; i++) {
		size_t place = 4096 + i * 32;

		tiny_compact(tiny->bytes, place, CFS_LAYOUT_FLAT_PLAIN,
			     S_IFREG | 0600, 0, 0);
		tiny_poke(tiny, COMPACT(place, xattr_icount), 2, 100);
		tiny_poke(tiny, DIRENT(TINY_DIR_BLOCK, 2 + i, nid), 8,
			  TINY_NID(place));
	}
	tiny_open(tiny, &image);
	/* 40 * (32 + 408) bytes, of an image of 16384. */
	CHECK_EQ(cfs_image_walk(&image, 0, note_path,
				&(struct paths){ .prune = NULL }, NULL),
		 -EFSCORRUPTED);
	tiny_free(tiny);
}

struct objects {
	struct cfs_image_object last;
	char path[128];
	unsigned int count;
};

static int note_object(void *context, const struct cfs_image_object *object)
{
	struct objects *objects = context;

	objects->last = *object;
	CHECK(strcmp(object->file, "/file") == 0);
	strcpy(objects->path, object->path);
	objects->count++;
	return 0;
}

static void test_objects(void)
{
	struct tiny_image *tiny = tiny_make();
	struct objects objects = { .count = 0 };
	char name[CFS_OBJECT_NAME_LEN + 1];
	struct cfs_image image;

	tiny_open(tiny, &image);
	CHECK_EQ(cfs_image_objects(&image, note_object, &objects), 0);
	CHECK_EQ(objects.count, 1);
	CHECK_EQ(objects.last.size, TINY_FILE_SIZE);
	CHECK(objects.last.has_digest);
	cfs_object_name_format(&objects.last.digest, name);
	CHECK(strcmp(name, objects.path) == 0);
	tiny_free(tiny);
}

/* How the only object of @tiny can be had; consumes @tiny. */
static struct objects need_of(struct tiny_image *tiny)
{
	struct objects objects = { .count = 0 };
	struct cfs_image image;

	tiny_open(tiny, &image);
	CHECK_EQ(cfs_image_objects(&image, note_object, &objects), 0);
	CHECK_EQ(objects.count, 1);
	tiny_free(tiny);
	return objects;
}

/* "file" without a digest, at @path. */
static struct tiny_image *without_digest(const char *path)
{
	struct tiny_image *tiny = tiny_make();
	size_t at = TINY_METACOPY_VALUE, len = strlen(path);
	size_t end = (at + 4 + 16 + len + 3) & ~(size_t)3;

	CHECK(end <= TINY_XATTRS_END);
	memset(tiny->bytes + at, 0, TINY_XATTRS_END + 4 - at);
	tiny_xattr(tiny->bytes, TINY_METACOPY, CFS_XATTR_INDEX_TRUSTED,
		   "overlay.metacopy", "", 0);
	tiny_xattr(tiny->bytes, at, CFS_XATTR_INDEX_TRUSTED, "overlay.redirect",
		   path, len);
	memset(tiny->bytes + end, 0xff, 4);	/* one chunk: a hole */
	tiny_poke(tiny, TINY_FILE +
		  offsetof(struct cfs_inode_extended, xattr_icount), 2,
		  (end - TINY_XATTRS - 12) / 4 + 1);
	return tiny;
}

/* Programs that fetch go by this, whatever else a dump put into the image. */
static void test_what_can_be_fetched(void)
{
	static const char *const paths[] = {
		"/" TINY_OBJECT ".file", "/5a", "/a/b/c/d",
		"/5A/5b5c5d5e5f606162636465666768696a6b6c6d6e6f7071727374757677787a",
	};
	struct tiny_image *tiny = tiny_make();
	char name[CFS_OBJECT_NAME_LEN + 1];
	struct objects objects = need_of(tiny);

	CHECK_EQ(objects.last.need, CFS_NEED_OBJECT);

	/* The path is the name of another object than the digest's. */
	tiny = tiny_make();
	tiny->bytes[TINY_REDIRECT_VALUE + 10] ^= 1;
	objects = need_of(tiny);
	CHECK_EQ(objects.last.need, CFS_NEED_FILE);
	CHECK(objects.last.has_digest);
	CHECK_EQ(objects.last.digest.bytes[0], 0x5a);

	objects = need_of(without_digest("/" TINY_OBJECT));
	CHECK_EQ(objects.last.need, CFS_NEED_NAMED);
	CHECK(!objects.last.has_digest);
	cfs_object_name_format(&objects.last.digest, name);
	CHECK(strcmp(name, TINY_OBJECT) == 0);

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		objects = need_of(without_digest(paths[i]));
		CHECK_EQ(objects.last.need, CFS_NEED_FILE);
		CHECK(!objects.last.has_digest);
	}
}

/* A nameless file with the image's bytes; the descriptor is the caller's. */
static int file_of(const struct tiny_image *tiny)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	CHECK_EQ(pwrite(fd, tiny->bytes, TINY_SIZE, 0), TINY_SIZE);
	return fd;
}

static void test_image_in_a_file(void)
{
	struct tiny_image *tiny = tiny_make();
	struct objects objects = { .count = 0 };
	struct cfs_image_file *file;

	CHECK_EQ(cfs_image_file_open(file_of(tiny), &file), 0);
	CHECK_EQ(cfs_image_check(cfs_image_file_image(file), NULL), 0);
	CHECK_EQ(cfs_image_objects(cfs_image_file_image(file), note_object,
				   &objects), 0);
	CHECK_EQ(objects.count, 1);
	cfs_image_file_close(file);
	tiny_free(tiny);
}

/* The file shrinks under the reader: an error, no signal and no zeros. */
static void test_truncated_under_the_reader(void)
{
	static u8 zeros[40 * 32768];
	struct tiny_image *tiny = tiny_make();
	int fd = file_of(tiny), writer = dup(fd);
	struct cfs_image_file *file;

	/* Large enough that its end is not in the cache after opening. */
	CHECK_EQ(pwrite(writer, zeros, sizeof(zeros), TINY_SIZE),
		 sizeof(zeros));
	tiny_poke(tiny, CFS_SB_OFFSET + offsetof(struct cfs_super, blocks), 4,
		  (TINY_SIZE + sizeof(zeros)) / CFS_BLOCK_SIZE);
	tiny_poke(tiny, COMPACT(TINY_ROOT, u), 4, 300);
	CHECK_EQ(pwrite(writer, tiny->bytes, TINY_SIZE, 0), TINY_SIZE);
	CHECK_EQ(cfs_image_file_open(fd, &file), 0);
	CHECK_EQ(ftruncate(writer, TINY_SIZE), 0);
	CHECK_EQ(cfs_image_check(cfs_image_file_image(file), NULL), -EIO);
	cfs_image_file_close(file);
	close(writer);
	tiny_free(tiny);
}

static void test_what_is_no_image(void)
{
	struct cfs_image_file *file;

	CHECK_EQ(cfs_image_file_open(open("/tmp", O_RDONLY | O_CLOEXEC), &file),
		 -EINVAL);
	CHECK_EQ(cfs_image_file_open(open("/dev/zero", O_RDONLY | O_CLOEXEC),
				     &file), -EINVAL);
	CHECK_EQ(cfs_image_file_open(open("/proc/self/exe", O_RDONLY),
				     &file), -EINVAL);
}

RUN_TESTS(T(test_walk_is_in_name_order),
	  T(test_walk_can_be_stopped),
	  T(test_bad_tree_is_refused),
	  T(test_shared_bytes_are_refused),
	  T(test_objects),
	  T(test_what_can_be_fetched),
	  T(test_image_in_a_file),
	  T(test_truncated_under_the_reader),
	  T(test_what_is_no_image))
