/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a tree becomes an image, step by step; cfs_image_write() takes them all:
 *
 *	cfs_plan_prepare()	prepare.c	 what the image stores: overlay
 *						 xattrs, whiteouts, stubs, order
 *	cfs_plan_share_xattrs()	xattr.c	 which xattrs are stored once
 *	cfs_plan_layout()	layout.c	 where each inode lies
 *
 * Two writers that follow these rules give the same bytes, so an image's digest
 * is a name for its tree.  Each detail here is therefore fixed for ever.
 *
 * Ownership: a plan borrows its tree, and changes it: a tree can be written
 * once.  cfs_plan_release() frees what the plan itself holds.
 */
#ifndef CACHE_BUILD_PLAN_H
#define CACHE_BUILD_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "cache/build/tree.h"

struct errmsg;

/* One (name, value), however many nodes have it. */
struct cfs_xattr_pair {
	const char *name;		/* borrowed from the first node */
	const void *value;
	uint32_t name_len;
	uint32_t value_len;
	uint32_t uses;
	uint64_t offset;		/* in the shared area, if it is shared */
};

/** cfs_xattr_pair_is_shared() - is it stored once, for all its users? */
static inline bool cfs_xattr_pair_is_shared(const struct cfs_xattr_pair *pair)
{
	return pair->uses >= 2;
}

struct cfs_plan {
	struct cfs_tree *tree;

	/* cfs_plan_prepare() */
	uint32_t version;		/* composefs_version: 0 or 1 */
	bool has_acl;
	struct cfs_node **inodes;	/* owned; breadth first, root = 0 */
	uint32_t n_inodes;
	int64_t base_sec;		/* the oldest mtime */
	uint32_t base_nsec;

	/* cfs_plan_share_xattrs() */
	struct cfs_xattr_pair **shared;	/* owned; in the order they are stored */
	uint32_t n_shared;
	uint64_t shared_size;		/* bytes */

	/* cfs_plan_layout() */
	uint64_t inodes_end;		/* where the shared area starts */
	uint64_t data_start;		/* of whole blocks, aligned */
	uint64_t size;			/* of the image */
};

/**
 * cfs_plan_prepare() - from what a tree is to what an image stores
 * @plan: zeros; must be released, also after a failure
 * @tree: with a directory as its root
 * @min_version: 0 or 1
 * @max_version: 0 or 1; raised to @min_version if it is smaller.  A tree with a
 *	whiteout gets version 1 if these allow it, every other one @min_version
 *
 * Return: 0, -EINVAL if a version is above 1, or -ENOMEM.
 */
int cfs_plan_prepare(struct cfs_plan *plan, struct cfs_tree *tree,
		     uint32_t min_version, uint32_t max_version);

/** cfs_plan_share_xattrs() - Return: 0 or -ENOMEM */
int cfs_plan_share_xattrs(struct cfs_plan *plan);

/**
 * cfs_plan_layout() - give each inode its place
 * @msg: names the node that does not fit into the format; may be NULL
 *
 * Return: 0, or -EFBIG if a node or the whole is too large for the format.
 */
int cfs_plan_layout(struct cfs_plan *plan, struct errmsg *msg);

/** cfs_plan_release() - free what the plan holds, not its tree */
void cfs_plan_release(struct cfs_plan *plan);

/* ---- the entries of a directory as an image lists them: layout.c ---- */

/* Children in name order, with "." and ".." where they sort. */
struct cfs_dir_cursor {
	const struct cfs_node *dir;
	uint32_t next_child;
	uint32_t dots;			/* how many of "." and ".." are behind us */
};

struct cfs_dir_cursor_entry {
	const char *name;
	uint32_t name_len;
	const struct cfs_node *inode;
};

/**
 * cfs_dir_cursor_next() - step over an entry
 *
 * Return: false at the end of the directory.
 */
bool cfs_dir_cursor_next(struct cfs_dir_cursor *cursor,
			 struct cfs_dir_cursor_entry *ret);

/**
 * cfs_dir_cursor_group() - step over the entries that share a block
 * @ret_entries: how many
 *
 * Return: the bytes they need; 0 at the end of the directory.
 */
uint32_t cfs_dir_cursor_group(struct cfs_dir_cursor *cursor,
			      uint32_t *ret_entries);

/* ---- xattrs as an image stores them: xattr.c ---- */

/**
 * cfs_xattr_index() - which prefix stands for a number?
 * @ret_prefix_len: how much of the name the number replaces
 *
 * Return: CFS_XATTR_INDEX_*
 */
uint8_t cfs_xattr_index(const char *name, uint32_t *ret_prefix_len);

/** cfs_xattr_entry_size() - bytes of one stored entry, padding included */
uint32_t cfs_xattr_entry_size(const char *name, uint32_t name_len,
			      uint32_t value_len);

/** cfs_xattr_filter() - the name filter of a node's xattrs */
uint32_t cfs_xattr_filter(const struct cfs_node *node);

#endif /* CACHE_BUILD_PLAN_H */
