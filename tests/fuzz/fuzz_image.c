// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Everything a reader of an image can ask, of bytes that may say anything.
 *
 * Inodes are tried at every slot, not only where names lead, and what the reader
 * promises is checked: no read outside the image, names in order and without
 * '/', every name that is listed is found, paths stay below the basedir, a tree
 * that was found sound can be walked.  Then all is asked again of bytes that change
 * from one ->read() to the next: only the promises about memory are left.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/image/check.h"
#include "cache/image/objects.h"
#include "kmod/cfs_image.h"
#include "tests/fuzz/image_mutate.h"

/* Overlapping inodes make a small image long to read: enough is enough. */
#define STEPS_MAX	20000

#define REQUIRE(e)	do { if (!(e)) abort(); } while (0)

struct input {
	struct cfs_source source;
	const uint8_t *bytes;
	unsigned int steps;
};

static int read_input(const struct cfs_source *source, u64 offset, void *buf,
		      size_t len)
{
	struct input *input = (struct input *)source;

	REQUIRE(len > 0 && offset <= source->size &&
		len <= source->size - offset);
	memcpy(buf, input->bytes + offset, len);
	return 0;
}

/* A copy of just these bytes, for AddressSanitizer to guard. */
static int lend_input(const struct cfs_source *source, u64 offset, size_t len,
		      struct cfs_loan *ret)
{
	REQUIRE(offset / CFS_BLOCK_SIZE == (offset + len - 1) / CFS_BLOCK_SIZE);
	ret->owner = malloc(len);
	REQUIRE(ret->owner);
	ret->bytes = ret->owner;
	return read_input(source, offset, ret->owner, len);
}

static void give_back_input(struct cfs_loan *loan)
{
	free(loan->owner);
}

/* By copy and by loan: the same is found. */
static int look_up(struct input *input, const struct cfs_image *image,
		   const struct cfs_inode *dir, const char *name, size_t len,
		   struct cfs_dir_entry *ret)
{
	u8 block[CFS_BLOCK_SIZE];
	struct cfs_dir_entry lent;
	int err = cfs_dir_lookup(image, dir, name, len, block, ret);

	input->source.lend = lend_input;
	REQUIRE(cfs_dir_lookup(image, dir, name, len, NULL, &lent) == err);
	REQUIRE(err || lent.nid == ret->nid);
	input->source.lend = NULL;
	return err;
}

struct visit {
	struct input *input;
	const struct cfs_image *image;
	const struct cfs_inode *dir;
	u64 last_position;
	unsigned int count;
	bool first;
};

static int visit_name(void *context, const struct cfs_dir_entry *entry,
		      u64 position)
{
	struct visit *visit = context;

	REQUIRE(entry->name_len >= 1 && entry->name_len <= CFS_NAME_MAX);
	REQUIRE(!memchr(entry->name, '/', entry->name_len));
	REQUIRE(!memchr(entry->name, '\0', entry->name_len));
	REQUIRE(entry->file_type >= CFS_FT_REG &&
		entry->file_type <= CFS_FT_LNK);
	REQUIRE(visit->first || position > visit->last_position);
	visit->first = false;
	visit->last_position = position;
	visit->count++;
	return ++visit->input->steps > STEPS_MAX ? -ECANCELED : 0;
}

/* Called only where a whole iteration found names in order. */
static int find_name(void *context, const struct cfs_dir_entry *entry,
		     u64 position)
{
	struct visit *visit = context;
	struct cfs_dir_entry found;

	/* A search costs much more than a step: try some of many names. */
	if (position % 8 != visit->count % 8)
		return 0;
	REQUIRE(look_up(visit->input, visit->image, visit->dir, entry->name,
			entry->name_len, &found) == 0);
	REQUIRE(found.nid == entry->nid &&
		found.file_type == entry->file_type);
	visit->input->steps += 8;
	return visit->input->steps > STEPS_MAX ? -ECANCELED : 0;
}

static void try_directory(struct input *input, const struct cfs_image *image,
			  const struct cfs_inode *dir)
{
	static const char *const names[] = { "a", "zz", ".", "\xff", "00" };
	u8 block[CFS_BLOCK_SIZE];
	struct visit visit = {
		.input = input,
		.image = image,
		.dir = dir,
		.first = true,
	};
	struct cfs_dir_entry entry;
	int err = cfs_dir_iterate(image, dir, 0, block, visit_name, &visit);

	REQUIRE(err == 0 || err == -EFSCORRUPTED || err == -ECANCELED);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int lookup_err = look_up(input, image, dir, names[i],
					 strlen(names[i]), &entry);

		REQUIRE(lookup_err == 0 || lookup_err == -ENOENT ||
			lookup_err == -EFSCORRUPTED);
	}
	/* User space invents positions: seekdir(). */
	for (u64 position = 1; position < 3 * CFS_BLOCK_SIZE;
	     position += 1 + position * 3) {
		visit.first = true;
		cfs_dir_iterate(image, dir, position, block, visit_name,
				&visit);
	}
	if (err)
		return;
	cfs_dir_iterate(image, dir, 0, block, find_name, &visit);
}

struct xattrs {
	struct input *input;
	const struct cfs_image *image;
	const struct cfs_inode *inode;
	char shown[CFS_XATTR_NAME_BUF];
};

static int visit_xattr(void *context, struct cfs_xattr *xattr)
{
	static u8 value[65536];
	struct xattrs *xattrs = context;

	REQUIRE(strlen(xattr->name) == xattr->name_len && xattr->name_len > 0);
	REQUIRE(xattr->value_len <= sizeof(value));
	if (xattr->value_len)
		REQUIRE(cfs_xattr_value(xattrs->image, xattr, value) == 0);
	if (cfs_xattr_visible(xattr)) {
		REQUIRE(strlen(xattr->name) == xattr->name_len);
		strcpy(xattrs->shown, xattr->name);
	}
	return ++xattrs->input->steps > STEPS_MAX ? -ECANCELED : 0;
}

static void try_xattrs(struct input *input, const struct cfs_image *image,
		       const struct cfs_inode *inode)
{
	struct xattrs xattrs = {
		.input = input,
		.image = image,
		.inode = inode,
	};
	struct cfs_xattr scratch;
	int err = cfs_xattr_iterate(image, inode, &scratch, visit_xattr,
				    &xattrs);

	REQUIRE(err == 0 || err == -EFSCORRUPTED || err == -EOPNOTSUPP ||
		err == -ECANCELED);
	err = cfs_xattr_get(image, inode, "security.capability", &scratch);
	REQUIRE(err <= 0);
	if (!xattrs.shown[0])
		return;
	err = cfs_xattr_get(image, inode, xattrs.shown, &scratch);
	/* -ENODATA: the name filter can lie. */
	REQUIRE(err == 0 || err == -ENODATA || err == -EFSCORRUPTED ||
		err == -EOPNOTSUPP);
	if (err == 0)
		REQUIRE(strcmp(scratch.name, xattrs.shown) == 0);
}

static void try_object(const struct cfs_image *image,
		       const struct cfs_inode *inode)
{
	static struct cfs_backing object;
	struct cfs_xattr scratch;
	char path[CFS_BACKING_PATH_MAX + 2];
	int err = cfs_backing_read_unchecked(image, inode, &scratch, &object);

	REQUIRE(err <= 0);
	err = cfs_backing_read(image, inode, &scratch, &object);
	REQUIRE(err <= 0);
	if (err)
		return;
	REQUIRE(strlen(object.path) == object.path_len);
	if (object.path_len == 0)
		return;
	snprintf(path, sizeof(path), "/%s/", object.path);
	REQUIRE(!strstr(path, "//") && !strstr(path, "/./") &&
		!strstr(path, "/../"));
}

static void try_data(const struct cfs_image *image,
		     const struct cfs_inode *inode)
{
	static u8 data[65536];
	u64 half = inode->size / 2;

	if (inode->layout == CFS_LAYOUT_CHUNK_BASED ||
	    inode->size > sizeof(data) || inode->size == 0)
		return;
	REQUIRE(cfs_data_read(image, inode, 0, data, (size_t)inode->size) == 0);
	REQUIRE(cfs_data_read(image, inode, half, data,
			      (size_t)(inode->size - half)) == 0);
	REQUIRE(cfs_data_read(image, inode, half, data,
			      (size_t)(inode->size - half) + 1) == -EINVAL);
}

static void try_inode(struct input *input, const struct cfs_image *image,
		      u64 nid)
{
	char target[CFS_SYMLINK_MAX + 1];
	struct cfs_inode inode;
	int err = cfs_inode_read(image, nid, &inode);

	REQUIRE(err == 0 || err == -EFSCORRUPTED || err == -EOPNOTSUPP);
	if (err)
		return;
	REQUIRE(cfs_file_type(inode.mode) != 0);
	REQUIRE((s64)inode.size >= 0 && inode.mtime_nsec < 1000000000);
	if (S_ISLNK(inode.mode)) {
		REQUIRE(inode.size >= 1 && inode.size <= CFS_SYMLINK_MAX);
		err = cfs_symlink_read(image, &inode, target);
		REQUIRE(err == -EFSCORRUPTED ||
			(err == 0 && strlen(target) == inode.size));
	}
	if (S_ISDIR(inode.mode))
		try_directory(input, image, &inode);
	try_data(image, &inode);
	try_xattrs(input, image, &inode);
	if (cfs_inode_has_backing(&inode))
		try_object(image, &inode);
}

/* ---- an image that is written to while it is read ---- */

struct changing {
	struct cfs_source source;
	const uint8_t *bytes;
	uint64_t random;
	unsigned int steps;
};

/* Of every few ->read()s one byte is another. */
static int read_changing(const struct cfs_source *source, u64 offset, void *buf,
			 size_t len)
{
	struct changing *changing = (struct changing *)source;
	uint64_t random = changing->random * 6364136223846793005ULL +
			  1442695040888963407ULL;

	REQUIRE(len > 0 && offset <= source->size &&
		len <= source->size - offset);
	changing->random = random;
	changing->steps++;
	memcpy(buf, changing->bytes + offset, len);
	random >>= 33;
	if (random % 4 == 0)
		((uint8_t *)buf)[(random >> 10) % len] =
			random & 0x100 ? (uint8_t)(random >> 2) :
					 (uint8_t)-(random >> 9 & 1);
	return 0;
}

/* AddressSanitizer looks at each byte of a name. */
static int touch_name(void *context, const struct cfs_dir_entry *entry,
		      u64 position)
{
	struct changing *changing = context;

	(void)position;
	REQUIRE(entry->name_len >= 1 && entry->name_len <= CFS_NAME_MAX);
	REQUIRE(!memchr(entry->name, '/', entry->name_len));
	return ++changing->steps > STEPS_MAX ? -ECANCELED : 0;
}

struct touch {
	struct changing *changing;
	const struct cfs_image *image;
};

/* As the module does it: the length that was found is the room there is. */
static int touch_xattr(void *context, struct cfs_xattr *xattr)
{
	struct touch *touch = context;
	void *value = malloc(xattr->value_len);

	REQUIRE(strlen(xattr->name) == xattr->name_len);
	(void)cfs_xattr_value(touch->image, xattr, value);
	free(value);
	(void)cfs_xattr_visible(xattr);
	return ++touch->changing->steps > STEPS_MAX ? -ECANCELED : 0;
}

static void touch_inode(struct touch *touch, u64 nid)
{
	static struct cfs_backing object;
	const struct cfs_image *image = touch->image;
	u8 block[CFS_BLOCK_SIZE];
	struct cfs_dir_entry entry;
	struct cfs_xattr scratch;
	struct cfs_inode inode;
	char *buf;

	if (cfs_inode_read(image, nid, &inode))
		return;
	(void)cfs_dir_iterate(image, &inode, 0, block, touch_name,
			      touch->changing);
	(void)cfs_dir_lookup(image, &inode, "n128", 4, block, &entry);
	(void)cfs_xattr_iterate(image, &inode, &scratch, touch_xattr, touch);
	(void)cfs_xattr_get(image, &inode, "security.selinux", &scratch);
	if (!cfs_backing_read(image, &inode, &scratch, &object))
		REQUIRE(strlen(object.path) == object.path_len);
	if (inode.size > 65535 || inode.layout == CFS_LAYOUT_CHUNK_BASED)
		return;
	buf = malloc((size_t)inode.size + 1);
	REQUIRE(buf);
	(void)cfs_data_read(image, &inode, 0, buf, (size_t)inode.size);
	if (S_ISLNK(inode.mode))
		(void)cfs_symlink_read(image, &inode, buf);
	free(buf);
}

static void try_changing(const uint8_t *data, size_t size)
{
	struct changing changing = {
		.source = { .size = size, .read = read_changing },
		.bytes = data,
		.random = size,
	};
	struct cfs_image image;
	struct touch touch = { &changing, &image };

	if (cfs_image_open(&image, &changing.source))
		return;
	for (u64 nid = 0; nid <= image.size >> CFS_SLOT_BITS &&
	     changing.steps < STEPS_MAX; nid++)
		touch_inode(&touch, nid);
}

/* ---- the whole ---- */

static int visit_object(void *context, const struct cfs_image_object *object)
{
	(void)context;
	REQUIRE(object->file[0] == '/');
	REQUIRE(strlen(object->path) < CFS_BACKING_PATH_MAX);
	return 0;
}

static void try_tree(const struct cfs_image *image)
{
	char *path = NULL;
	int err = cfs_image_check(image, &path);

	REQUIRE(err <= 0);
	free(path);
	if (err == 0)
		REQUIRE(cfs_image_objects(image, visit_object, NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {
		.source = {
			.size = size,
			.read = read_input,
			.give_back = give_back_input,
		},
		.bytes = data,
	};
	struct cfs_image image;

	if (cfs_image_open(&image, &input.source))
		return 0;
	REQUIRE(image.size <= size);
	try_tree(&image);
	for (u64 nid = 0; nid <= image.size >> CFS_SLOT_BITS &&
	     input.steps < STEPS_MAX; nid++)
		try_inode(&input, &image, nid);
	try_changing(data, size);
	return 0;
}

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
			       unsigned int seed);

/* Mostly structure, sometimes libFuzzer's own ideas. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
			       unsigned int seed)
{
	if (seed % 8 == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	for (unsigned int n = seed % 4; n > 0; n--)
		size = image_mutate(data, size, max_size, seed + n);
	return image_mutate(data, size, max_size, seed);
}
