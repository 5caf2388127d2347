/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tree in memory, on its way to become an image:
 *
 *	dump_parse.c or cache/scan/scan.c  make it
 *	prepare.c		      turns it into what an image stores
 *	layout.c		      gives each node its place
 *	write.c		      emits the bytes
 *
 * Ownership: a tree owns its nodes and all that they point to, in its arena;
 * cfs_tree_release() ends them all.  Functions copy what is passed in unless
 * they say so.  One thread at a time, but threads may fill different nodes of
 * one tree when each allocates from an arena of its own (see arena_adopt()).
 */
#ifndef CACHE_BUILD_TREE_H
#define CACHE_BUILD_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "cache/base/arena.h"
#include "cache/verity/digest.h"

struct cfs_xattr_pair;

struct cfs_node_xattr {
	const char *name;		/* NUL at the end */
	const void *value;
	uint32_t name_len;
	uint32_t value_len;		/* at most 65535 */
	/* prepare.c: the pair that this is an instance of */
	struct cfs_xattr_pair *pair;
};

/**
 * struct cfs_node - one name and, unless it is a hard link, one inode
 * @parent: NULL for the root
 * @name: empty for the root; no NUL inside, one at the end
 * @link_to: for a hard link's further names: the node with the inode, which is
 *	no link itself and no directory; nothing else below is then used
 * @payload: symlink: its target; regular file: path of its object below a
 *	basedir; NULL: none
 * @content: regular file: all its bytes, kept in the image; NULL: none
 * @mode: type and permissions as in st_mode; 16 bits
 * @nlink: not used for directories, which are counted
 * @size: of regular files: in bytes
 */
struct cfs_node {
	struct cfs_node *parent;
	const char *name;
	struct cfs_node *link_to;
	struct cfs_node **children;
	struct cfs_node_xattr *xattrs;
	const char *payload;
	const uint8_t *content;
	uint64_t size;
	int64_t mtime_sec;
	uint32_t mtime_nsec;
	uint32_t mode;
	uint32_t nlink;
	uint32_t uid;
	uint32_t gid;
	uint32_t rdev;
	uint32_t n_children;
	uint32_t children_room;
	uint32_t n_xattrs;
	uint32_t xattrs_room;
	uint32_t xattr_budget_used;
	uint32_t name_len;
	uint32_t payload_len;
	uint32_t content_len;
	bool has_digest;
	bool is_stub;			/* prepare.c: one of the 256 */
	struct cfs_digest digest;	/* fs-verity digest of the object */

	/* prepare.c */
	uint32_t ino;			/* position in breadth-first order */
	/* layout.c */
	bool extended;
	uint8_t layout;			/* CFS_LAYOUT_* */
	uint32_t shared_refs;
	uint32_t xattr_size;		/* bytes of the xattr body */
	uint32_t tail_size;		/* bytes after it */
	uint32_t n_blocks;
	uint32_t first_block;		/* if there are blocks */
	uint64_t image_size;		/* i_size */
	uint64_t offset;		/* of the inode in the image, in bytes */
};

struct cfs_tree {
	struct arena arena;
	struct cfs_node *root;		/* NULL: the tree is empty */
};

/** cfs_tree_release() - free a tree; it is then empty, like { 0 } */
void cfs_tree_release(struct cfs_tree *tree);

/**
 * cfs_node_new() - make a node that has no parent yet
 * @arena: the tree's, or one that the tree will adopt
 *
 * Return: the node, all fields but the name 0, or NULL if memory ran out.
 */
struct cfs_node *cfs_node_new(struct arena *arena, const char *name,
			      size_t name_len);

/**
 * cfs_node_add_child() - put a node into a directory
 * @parent: a directory that has no child of that name (not checked)
 * @child: one without parent
 *
 * Return: 0, -ENOMEM, or -EFBIG if there are 2^31 children.
 */
int cfs_node_add_child(struct arena *arena, struct cfs_node *parent,
		       struct cfs_node *child);

/* What a node's xattrs may add up to: 12 + the sum of 7 + name + value. */
#define CFS_NODE_XATTR_BUDGET	32767

/**
 * cfs_node_set_xattr() - add an xattr, or replace the one of that name
 * @name_len: 1 to 255 (XATTR_NAME_MAX); no NUL inside
 * @value_len: at most 65535
 *
 * Return: 0; -ENOMEM; -ERANGE if a length is out of range; -E2BIG if the node's
 * xattrs exceed CFS_NODE_XATTR_BUDGET, which the existing tools refuse too.
 */
int cfs_node_set_xattr(struct arena *arena, struct cfs_node *node,
		       const char *name, size_t name_len, const void *value,
		       size_t value_len);

/**
 * cfs_node_put_xattr() - as cfs_node_set_xattr(), for names and values that are
 * the image's own: no limits, and @name (NUL at the end) and @value are borrowed
 * for the tree's life
 *
 * Return: 0 or -ENOMEM.
 */
int cfs_node_put_xattr(struct arena *arena, struct cfs_node *node,
		       const char *name, const void *value, size_t value_len);

/** cfs_node_find_xattr() - the xattr of that name, or NULL */
struct cfs_node_xattr *cfs_node_find_xattr(const struct cfs_node *node,
					   const char *name, size_t name_len);

/** cfs_node_is_whiteout() - a character device 0:0, overlayfs' deleted name */
static inline bool cfs_node_is_whiteout(const struct cfs_node *node)
{
	return S_ISCHR(node->mode) && node->rdev == 0;
}

/**
 * cfs_node_deletes() - does overlayfs take this inode for a deleted name?
 *
 * A whiteout, or an empty regular file with the xattr overlay.whiteout of either
 * class.  Its folder has to be marked too, so it is never an inode with several
 * names: the marks would be missing from the folders of all but one.
 */
bool cfs_node_deletes(const struct cfs_node *node);

/** cfs_name_compare() - strcmp()'s order, for names that know their length */
static inline int cfs_name_compare(const char *a, size_t a_len, const char *b,
				   size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order ? order : (a_len > b_len) - (a_len < b_len);
}

/**
 * cfs_node_path() - the absolute path of a node, for messages
 * @buf: where to write it, with a NUL; if it is too small, the path's start is
 *	replaced by "..."
 * @size: of @buf, at least 4
 *
 * Return: where the path starts inside @buf.
 */
const char *cfs_node_path(const struct cfs_node *node, char *buf, size_t size);

#endif /* CACHE_BUILD_TREE_H */
