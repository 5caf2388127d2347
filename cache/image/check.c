// SPDX-License-Identifier: GPL-2.0-or-later
/* Check a whole image: the walk's checks, and the content of each inode. */
#include "cache/image/check.h"

#include <stdlib.h>

#include "cache/image/walk.h"

/* Chunk maps longer than this stand elsewhere (see check_chunk_map()). */
#define INLINE_CHUNKS_MAX	1016

struct check {
	const struct cfs_image *image;
	struct cfs_xattr xattr;
	struct cfs_backing backing;
	char target[CFS_SYMLINK_MAX + 1];
	__le32 chunks[INLINE_CHUNKS_MAX];
};

static int check_xattr(void *context, struct cfs_xattr *xattr)
{
	(void)context;
	(void)xattr;
	return 0;		/* that it could be decoded is all */
}

/*
 * A kernel that mounts the image as plain EROFS reads the chunk map: all of it
 * must be holes.  A map that does not fit behind its inode is in a block
 * that even the kernel can't find: the format lost its address, for
 * files of some petabytes.
 */
static int check_chunk_map(struct check *check, const struct cfs_inode *inode)
{
	const struct cfs_image *image = check->image;
	u64 offset = inode->tail_offset;
	u64 count = ((inode->size - 1) >> inode->chunk_bits) + 1;
	size_t len = (size_t)count * sizeof(check->chunks[0]);
	int err;

	if (count > INLINE_CHUNKS_MAX)
		return 0;
	if (offset > image->size || len > image->size - offset)
		return -EFSCORRUPTED;
	err = image->source->read(image->source, offset, check->chunks, len);
	if (err)
		return err;
	for (u64 i = 0; i < count; i++) {
		if (le32_to_cpu(check->chunks[i]) != CFS_CHUNK_HOLE)
			return -EFSCORRUPTED;
	}
	return 0;
}

static int check_entry(void *context, const struct cfs_walk_entry *entry)
{
	struct check *check = context;
	const struct cfs_inode *inode = entry->inode;
	int err;

	if (entry->again)
		return 0;
	err = cfs_xattr_iterate(check->image, inode, &check->xattr, check_xattr,
				NULL);
	if (err)
		return err;
	if (S_ISLNK(inode->mode))
		return cfs_symlink_read(check->image, inode, check->target);
	if (!cfs_inode_has_backing(inode))
		return 0;
	err = check_chunk_map(check, inode);
	if (err)
		return err;
	return cfs_backing_read(check->image, inode, &check->xattr,
				&check->backing);
}

int cfs_image_check(const struct cfs_image *image, char **ret_path)
{
	struct check *check = malloc(sizeof(*check));
	int err;

	if (!check) {
		if (ret_path)
			*ret_path = NULL;
		return -ENOMEM;
	}
	check->image = image;
	err = cfs_image_walk(image, CFS_WALK_WHITEOUTS, check_entry, check,
			     ret_path);
	free(check);
	return err;
}
