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

struct info_node_reader {
	const struct cfs_image *image;
	struct arena arena;		/* names and values of one inode */
	struct info_xattr *xattrs;	/* owned */
	size_t n_xattrs;
	size_t capacity;
	bool is_whiteout;
	bool is_regular;
	struct cfs_xattr scratch;
	struct cfs_backing backing;
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

/* Marks that the writer puts beside a whiteout and above it. */
static bool is_whiteout_mark(struct info_node_reader *reader,
			     const struct cfs_xattr *xattr)
{
	if (reader->is_regular &&
	    strcmp(xattr->name, "trusted.overlay.overlay.whiteout") == 0) {
		reader->is_whiteout = true;
		return true;
	}
	return strcmp(xattr->name, "trusted.overlay.overlay.whiteouts") == 0 ||
	       strcmp(xattr->name, "user.overlay.whiteout") == 0 ||
	       strcmp(xattr->name, "user.overlay.whiteouts") == 0;
}

static int keep_xattr(void *context, struct cfs_xattr *xattr)
{
	struct info_node_reader *reader = context;
	struct info_xattr *kept;
	uint8_t *value;
	char *name;
	int err;

	if (is_whiteout_mark(reader, xattr) || !cfs_xattr_unescape(xattr))
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
	if (backing->has_digest)
		ret->digest = backing->digest;
	return 0;
}

int info_node_read(struct info_node_reader *reader,
		   const struct cfs_inode *inode, struct info_node *ret)
{
	int err;

	arena_release(&reader->arena);
	reader->n_xattrs = 0;
	reader->is_whiteout = false;
	reader->is_regular = S_ISREG(inode->mode);
	*ret = (struct info_node){
		.inode = inode,
		.mode = inode->mode,
		.size = inode->size,
	};
	err = cfs_xattr_iterate(reader->image, inode, &reader->scratch,
				keep_xattr, reader);
	if (err)
		return err;
	ret->xattrs = reader->xattrs;
	ret->n_xattrs = reader->n_xattrs;
	if (reader->is_whiteout) {
		ret->mode = (inode->mode & ~(uint32_t)S_IFMT) | S_IFCHR;
		ret->size = 0;
		return 0;
	}
	if (S_ISLNK(inode->mode))
		return read_symlink(reader, ret);
	if (cfs_inode_has_backing(inode))
		return read_backing(reader, ret);
	if (S_ISREG(inode->mode) && inode->size > 0)
		return read_content(reader, ret);
	return 0;
}
