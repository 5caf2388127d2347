// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An inode with all it has, as its author gave it: what the image writer added
 * is taken off again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/arena.h"
#include "cache/programs/info.h"

/*
 * The readers of images know SHA-256 only.  To be shown, a SHA-512 digest is taken
 * from its xattr: version, length, flags, algorithm, digest.
 */
#define METACOPY	"trusted.overlay.metacopy"
#define SHA512_LEN	64
#define METACOPY_SHA512_LEN	(4 + SHA512_LEN)

struct info_node_reader {
	const struct cfs_image *image;
	struct arena arena;		/* names and values of one inode */
	struct info_xattr *xattrs;	/* owned */
	size_t n_xattrs;
	size_t capacity;
	struct cfs_xattr scratch;
	struct cfs_backing backing;
	bool has_sha512;
	uint8_t sha512[SHA512_LEN];
	char target[CFS_SYMLINK_MAX + 1];
	uint8_t content[CFS_INLINE_FILE_MAX];
};

struct info_node_reader *info_node_reader_new(const struct cfs_image *image)
{
	struct info_node_reader *reader = calloc(1, sizeof(*reader));

	if (reader)
		reader->image = image;
	return reader;
}

void info_node_reader_free(struct info_node_reader *reader)
{
	if (!reader)
		return;
	arena_release(&reader->arena);
	free(reader->xattrs);
	free(reader);
}

static int read_sha512(struct info_node_reader *reader,
		       const struct cfs_xattr *xattr)
{
	static const uint8_t header[] = {
		0, METACOPY_SHA512_LEN, 0, CFS_METACOPY_SHA512,
	};
	uint8_t value[METACOPY_SHA512_LEN];
	int err = cfs_xattr_value(reader->image, xattr, value);

	if (err || memcmp(value, header, sizeof(header)) != 0)
		return err;
	memcpy(reader->sha512, value + sizeof(header), SHA512_LEN);
	reader->has_sha512 = true;
	return 0;
}

static int keep_xattr(void *context, struct cfs_xattr *xattr)
{
	struct info_node_reader *reader = context;
	struct info_xattr *kept;
	uint8_t *value;
	char *name;
	int err;

	if (xattr->value_len == METACOPY_SHA512_LEN &&
	    strcmp(xattr->name, METACOPY) == 0)
		return read_sha512(reader, xattr);
	if (!cfs_xattr_unescape(xattr))
		return 0;
	if (reader->n_xattrs == reader->capacity) {
		size_t capacity = reader->capacity ? 2 * reader->capacity : 16;

		kept = reallocarray(reader->xattrs, capacity, sizeof(*kept));
		if (!kept)
			return -ENOMEM;
		reader->xattrs = kept;
		reader->capacity = capacity;
	}
	name = arena_copy(&reader->arena, xattr->name, xattr->name_len);
	value = arena_alloc(&reader->arena, xattr->value_len);
	if (!name || !value)
		return -ENOMEM;
	err = cfs_xattr_value(reader->image, xattr, value);
	if (err)
		return err;
	reader->xattrs[reader->n_xattrs++] = (struct info_xattr){
		.name = name,
		.name_len = xattr->name_len,
		.value = value,
		.value_len = xattr->value_len,
	};
	return 0;
}

static struct info_xattr *find_empty(struct info_node_reader *reader,
				     const char *name)
{
	for (size_t i = 0; i < reader->n_xattrs; i++) {
		struct info_xattr *xattr = &reader->xattrs[i];

		if (xattr->value_len == 0 && strcmp(xattr->name, name) == 0)
			return xattr;
	}
	return NULL;
}

/*
 * The writer marks a whiteout, and a directory that has one, with a pair of xattrs.
 * One of them alone, or with a value, came from the author.
 *
 * Return: true if both were there; they are not any more.
 */
static bool take_marks(struct info_node_reader *reader, const char *trusted,
		       const char *user)
{
	struct info_xattr *marks[] = {
		find_empty(reader, trusted), find_empty(reader, user),
	};
	size_t kept = 0;

	if (!marks[0] || !marks[1])
		return false;
	for (size_t i = 0; i < reader->n_xattrs; i++) {
		struct info_xattr *xattr = &reader->xattrs[i];

		if (xattr != marks[0] && xattr != marks[1])
			reader->xattrs[kept++] = *xattr;
	}
	reader->n_xattrs = kept;
	return true;
}

static int read_symlink(struct info_node_reader *reader, struct info_node *ret)
{
	int err = cfs_symlink_read(reader->image, ret->inode, reader->target);

	if (err)
		return err;
	ret->payload = reader->target;
	ret->payload_len = (size_t)ret->inode->size;
	return 0;
}

static int read_content(struct info_node_reader *reader, struct info_node *ret)
{
	int err = cfs_data_read(reader->image, ret->inode, 0, reader->content,
				(size_t)ret->inode->size);

	if (err)
		return err;
	ret->content = reader->content;
	return 0;
}

static int read_backing(struct info_node_reader *reader, struct info_node *ret)
{
	struct cfs_backing *backing = &reader->backing;
	int err = cfs_backing_read_unchecked(reader->image, ret->inode,
					     &reader->scratch, backing);

	if (err)
		return err;
	if (backing->path_len > 0) {
		ret->payload = backing->path;
		ret->payload_len = backing->path_len;
	}
	if (backing->has_digest) {
		ret->digest = backing->digest;
		ret->digest_len = sizeof(backing->digest);
	} else if (reader->has_sha512) {
		ret->digest = reader->sha512;
		ret->digest_len = SHA512_LEN;
	}
	return 0;
}

int info_node_read(struct info_node_reader *reader,
		   const struct cfs_inode *inode, struct info_node *ret)
{
	int err;

	arena_release(&reader->arena);
	reader->n_xattrs = 0;
	reader->has_sha512 = false;
	*ret = (struct info_node){
		.inode = inode,
		.mode = inode->mode,
		.size = inode->size,
	};
	err = cfs_xattr_iterate(reader->image, inode, &reader->scratch,
				keep_xattr, reader);
	if (err)
		return err;
	if (S_ISDIR(inode->mode))
		take_marks(reader, "trusted.overlay.whiteouts",
			   "user.overlay.whiteouts");
	if (S_ISREG(inode->mode) && inode->size == 0 &&
	    take_marks(reader, "trusted.overlay.whiteout",
		       "user.overlay.whiteout"))
		ret->mode = (inode->mode & ~(uint32_t)S_IFMT) | S_IFCHR;
	ret->xattrs = reader->xattrs;
	ret->n_xattrs = reader->n_xattrs;
	if (S_ISLNK(inode->mode))
		return read_symlink(reader, ret);
	if (cfs_inode_has_backing(inode))
		return read_backing(reader, ret);
	if (S_ISREG(inode->mode) && inode->size > 0)
		return read_content(reader, ret);
	return 0;
}
