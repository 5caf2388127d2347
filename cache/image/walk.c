// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Visit every name of an image: an explicit stack of directories, each
 * remembered by the position to go on at, so a hostile depth costs heap only.
 */
#include "cache/image/walk.h"

#include <stdlib.h>
#include <string.h>

#include "cache/base/bitmap.h"

enum {
	DESCEND = 1,		/* visit_entry() pushed a directory */
};

/* A directory on the way from the root to where the walk is. */
struct level {
	struct cfs_inode dir;
	uint64_t position;	/* next entry to look at */
	size_t path_len;	/* of the directory, without a '/' at the end */
	bool saw_self;
	bool saw_parent;
};

struct walk {
	const struct cfs_image *image;
	unsigned int flags;
	cfs_walk_fn fn;
	void *context;
	uint8_t *seen;		/* one bit a slot */
	uint64_t unclaimed;	/* bytes of the image that no inode claimed yet */
	struct level *levels;
	size_t depth;		/* levels in use */
	size_t capacity;
	char *path;
	size_t path_size;
	uint8_t block[CFS_BLOCK_SIZE];
};

/*
 * In an honest image each byte belongs to one inode at most.  Sharing them would
 * make a walk's cost grow with the square of the image's size.
 */
static int claim_bytes(struct walk *walk, const struct cfs_inode *inode)
{
	uint64_t claim = inode->xattr_offset + inode->xattr_len -
			 (inode->nid << CFS_SLOT_BITS);

	if (inode->layout != CFS_LAYOUT_CHUNK_BASED)
		claim += inode->size;
	if (claim > walk->unclaimed)
		return -EFSCORRUPTED;
	walk->unclaimed -= claim;
	return 0;
}

/* Append '/' and a name to the first @len bytes of the path. */
static int set_path(struct walk *walk, size_t len, const char *name,
		    size_t name_len)
{
	size_t need = len + name_len + 2;

	if (need > walk->path_size) {
		size_t size = 2 * need;
		char *path = realloc(walk->path, size);

		if (!path)
			return -ENOMEM;
		walk->path = path;
		walk->path_size = size;
	}
	walk->path[len] = '/';
	memcpy(walk->path + len + 1, name, name_len);
	walk->path[len + 1 + name_len] = '\0';
	return 0;
}

static int push(struct walk *walk, const struct cfs_inode *dir,
		size_t path_len)
{
	if (walk->depth > CFS_WALK_DEPTH_MAX)
		return -EFSCORRUPTED;
	if (walk->depth == walk->capacity) {
		size_t capacity = walk->capacity ? 2 * walk->capacity : 16;
		struct level *levels = reallocarray(walk->levels, capacity,
						    sizeof(*levels));

		if (!levels)
			return -ENOMEM;
		walk->levels = levels;
		walk->capacity = capacity;
	}
	walk->levels[walk->depth++] = (struct level){
		.dir = *dir,
		.path_len = path_len,
	};
	return 0;
}

/* Show one name; its path is set.  DESCEND if it is a directory to visit now. */
static int show(struct walk *walk, const struct cfs_inode *inode,
		size_t name_start, size_t path_len, bool again)
{
	struct cfs_walk_entry entry = {
		.path = walk->path,
		.path_len = path_len,
		.name = walk->path + name_start,
		.depth = (uint32_t)walk->depth,
		.again = again,
		.inode = inode,
	};
	int err;

	if (cfs_inode_is_whiteout(inode) && !(walk->flags & CFS_WALK_WHITEOUTS))
		return 0;
	err = walk->fn(walk->context, &entry);
	if (err < 0)
		return err;
	if (!S_ISDIR(inode->mode) || err == CFS_WALK_PRUNE)
		return 0;
	err = push(walk, inode, path_len);
	return err ? err : DESCEND;
}

static bool is_name(const struct cfs_dir_entry *entry, const char *name)
{
	return entry->name_len == strlen(name) &&
	       memcmp(entry->name, name, entry->name_len) == 0;
}

/* "." and "..": must lead to the directory and to the one it was found in. */
static int check_dots(struct walk *walk, struct level *level,
		      const struct cfs_dir_entry *entry)
{
	const struct level *parent = walk->depth > 1 ? level - 1 : level;

	if (is_name(entry, ".")) {
		level->saw_self = true;
		return entry->nid == level->dir.nid ? 0 : -EFSCORRUPTED;
	}
	level->saw_parent = true;
	return entry->nid == parent->dir.nid ? 0 : -EFSCORRUPTED;
}

static int visit_entry(void *context, const struct cfs_dir_entry *entry,
		       u64 position)
{
	struct walk *walk = context;
	struct level *level = &walk->levels[walk->depth - 1];
	size_t dir_len = level->path_len;
	struct cfs_inode inode;
	bool again;
	int err;

	level->position = position + 1;
	if (is_name(entry, ".") || is_name(entry, "..")) {
		if (entry->file_type != CFS_FT_DIR)
			return -EFSCORRUPTED;
		return check_dots(walk, level, entry);
	}
	err = set_path(walk, dir_len, entry->name, entry->name_len);
	if (err)
		return err;
	err = cfs_inode_read(walk->image, entry->nid, &inode);
	if (err)
		return err;
	if (cfs_file_type(inode.mode) != entry->file_type)
		return -EFSCORRUPTED;
	again = bitmap_set(walk->seen, inode.nid);
	if (again && S_ISDIR(inode.mode))
		return -EFSCORRUPTED;
	if (!again) {
		err = claim_bytes(walk, &inode);
		if (err)
			return err;
	}
	return show(walk, &inode, dir_len + 1, dir_len + 1 + entry->name_len,
		    again);
}

/* Go on in the innermost directory, and leave it at its end. */
static int step(struct walk *walk)
{
	struct level *level = &walk->levels[walk->depth - 1];
	struct cfs_inode dir = level->dir;	/* a push moves the levels */
	int err;

	walk->path[level->path_len ? level->path_len : 1] = '\0';
	err = cfs_dir_iterate(walk->image, &dir, level->position, walk->block,
			      visit_entry, walk);
	if (err)
		return err < 0 ? err : 0;
	if (!level->saw_self || !level->saw_parent)
		return -EFSCORRUPTED;
	walk->depth--;
	return 0;
}

static int walk_tree(struct walk *walk)
{
	struct cfs_inode root;
	int err;

	walk->seen = bitmap_new(cfs_image_slots(walk->image));
	if (!walk->seen)
		return -ENOMEM;
	walk->unclaimed = walk->image->size;
	err = set_path(walk, 0, "", 0);
	if (err)
		return err;
	err = cfs_inode_read(walk->image, walk->image->root_nid, &root);
	if (err)
		return err;
	if (!S_ISDIR(root.mode))
		return -EFSCORRUPTED;
	bitmap_set(walk->seen, root.nid);
	err = claim_bytes(walk, &root);
	if (err)
		return err;
	err = show(walk, &root, 1, 1, false);
	if (err < 0)
		return err;
	if (err == DESCEND)
		walk->levels[0].path_len = 0;
	while (walk->depth > 0) {
		err = step(walk);
		if (err)
			return err;
	}
	return 0;
}

int cfs_image_walk(const struct cfs_image *image, unsigned int flags,
		   cfs_walk_fn fn, void *context, char **ret_path)
{
	struct walk *walk = calloc(1, sizeof(*walk));
	int err;

	if (!walk) {
		if (ret_path)
			*ret_path = NULL;
		return -ENOMEM;
	}
	walk->image = image;
	walk->flags = flags;
	walk->fn = fn;
	walk->context = context;
	err = walk_tree(walk);
	if (err && ret_path) {
		*ret_path = walk->path;
		walk->path = NULL;
	}
	free(walk->path);
	free(walk->levels);
	free(walk->seen);
	free(walk);
	return err;
}
