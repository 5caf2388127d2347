// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Inodes lie behind each other, each followed by its xattrs and its tail: what
 * of its data does not fill a block.  A tail never straddles a block; a symlink
 * stays together as a whole.
 */
#include "cache/build/plan.h"

#include <errno.h>
#include <string.h>

#include "cache/base/errmsg.h"
#include "kmod/cfs_format.h"

/* A larger rest of a file or directory gets a block of its own. */
#define TAIL_MAX		2048
#define COMPACT_SIZE_MAX	0xffffffffU
#define CHUNKS_PER_BLOCK	(CFS_BLOCK_SIZE / 4)
#define ICOUNT_MAX		65535

static uint64_t round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

/* ---- directories ---- */

bool cfs_dir_cursor_next(struct cfs_dir_cursor *cursor,
			 struct cfs_dir_cursor_entry *ret)
{
	const struct cfs_node *dir = cursor->dir, *child = NULL;
	const uint32_t dots = cursor->dots + 1;

	if (cursor->next_child < dir->n_children)
		child = dir->children[cursor->next_child];
	if (dots <= 2 && (!child || cfs_name_compare("..", dots, child->name,
						     child->name_len) < 0)) {
		ret->name = "..";
		ret->name_len = dots;
		ret->inode = dots == 2 && dir->parent ? dir->parent : dir;
		cursor->dots++;
		return true;
	}
	if (!child)
		return false;
	ret->name = child->name;
	ret->name_len = child->name_len;
	ret->inode = child->link_to ? child->link_to : child;
	cursor->next_child++;
	return true;
}

uint32_t cfs_dir_cursor_group(struct cfs_dir_cursor *cursor,
			      uint32_t *ret_entries)
{
	struct cfs_dir_cursor ahead = *cursor;
	struct cfs_dir_cursor_entry entry;
	uint32_t bytes = 0;

	*ret_entries = 0;
	while (cfs_dir_cursor_next(&ahead, &entry)) {
		uint32_t cost = sizeof(struct cfs_dirent) + entry.name_len;

		if (bytes + cost > CFS_BLOCK_SIZE)
			break;
		bytes += cost;
		(*ret_entries)++;
		*cursor = ahead;
	}
	return bytes;
}

static void size_directory(struct cfs_node *node)
{
	struct cfs_dir_cursor cursor = { .dir = node };
	uint32_t entries, bytes, last = 0;

	while ((bytes = cfs_dir_cursor_group(&cursor, &entries))) {
		node->n_blocks++;
		last = bytes;
	}
	/* "." and ".." are always there, so there is a last group. */
	if (last <= TAIL_MAX) {
		node->n_blocks--;
		node->tail_size = last;
	}
	node->image_size = (uint64_t)node->n_blocks * CFS_BLOCK_SIZE +
			   node->tail_size;
}

/* ---- sizes ---- */

static int size_backing(struct cfs_node *node, struct errmsg *msg)
{
	char buf[512];
	unsigned int bits = CFS_BLOCK_BITS;
	uint64_t chunks;

	while (bits < CFS_CHUNK_BITS_MAX && (node->size - 1) >> bits)
		bits++;
	chunks = ((node->size - 1) >> bits) + 1;
	if (chunks > CHUNKS_PER_BLOCK)
		return errmsg_set(msg, -EFBIG, "%s: larger than 2^53 bytes",
				  cfs_node_path(node, buf, sizeof(buf)));
	node->layout = CFS_LAYOUT_CHUNK_BASED;
	node->image_size = node->size;
	node->tail_size = 4 * chunks;
	return 0;
}

static int size_regular(struct cfs_node *node, struct errmsg *msg)
{
	if (!node->size)
		return 0;
	if (!node->content)
		return size_backing(node, msg);
	node->image_size = node->size;
	node->n_blocks = node->size / CFS_BLOCK_SIZE;
	node->tail_size = node->size % CFS_BLOCK_SIZE;
	if (node->tail_size > TAIL_MAX) {
		node->n_blocks++;
		node->tail_size = 0;
	}
	return 0;
}

static int size_data(struct cfs_node *node, struct errmsg *msg)
{
	int err = 0;

	node->layout = CFS_LAYOUT_FLAT_PLAIN;
	if (S_ISDIR(node->mode)) {
		size_directory(node);
	} else if (S_ISREG(node->mode)) {
		err = size_regular(node, msg);
	} else if (S_ISLNK(node->mode)) {
		node->image_size = node->payload_len;
		node->tail_size = node->payload_len;
	}
	return err;
}

static int size_xattrs(struct cfs_node *node, struct errmsg *msg)
{
	char buf[512];
	uint64_t size = sizeof(struct cfs_xattr_header);
	uint32_t i;

	if (!node->n_xattrs)
		return 0;
	for (i = 0; i < node->n_xattrs; i++) {
		const struct cfs_node_xattr *xattr = &node->xattrs[i];

		if (cfs_xattr_pair_is_shared(xattr->pair) &&
		    node->shared_refs < CFS_XATTR_SHARED_MAX) {
			node->shared_refs++;
			size += 4;
		} else {
			size += cfs_xattr_entry_size(xattr->name,
						     xattr->name_len,
						     xattr->value_len);
		}
	}
	if ((size - sizeof(struct cfs_xattr_header)) / 4 + 1 > ICOUNT_MAX)
		return errmsg_set(msg, -EFBIG, "%s: too many xattrs",
				  cfs_node_path(node, buf, sizeof(buf)));
	node->xattr_size = size;
	return 0;
}

static bool is_compact(const struct cfs_plan *plan, const struct cfs_node *node)
{
	/* Types without data keep the size that they were given, here only. */
	uint64_t size = S_ISDIR(node->mode) || S_ISLNK(node->mode) ?
			node->image_size : node->size;

	return node->mtime_sec == plan->base_sec &&
	       node->mtime_nsec == plan->base_nsec && node->nlink <= 0xffff &&
	       node->uid <= 0xffff && node->gid <= 0xffff &&
	       size <= COMPACT_SIZE_MAX;
}

/* ---- places ---- */

static uint64_t place_symlink(struct cfs_node *node, uint64_t at, uint64_t head)
{
	uint64_t total = head + node->tail_size;
	bool crosses = at / CFS_BLOCK_SIZE != (at + total - 1) / CFS_BLOCK_SIZE;

	if (total >= CFS_BLOCK_SIZE) {
		node->n_blocks = 1;
		node->tail_size = 0;
	}
	return crosses ? round_up(at, CFS_BLOCK_SIZE) : at;
}

static uint64_t place_other(struct cfs_node *node, uint64_t at, uint64_t head)
{
	uint64_t room = CFS_BLOCK_SIZE - (at + head) % CFS_BLOCK_SIZE;
	uint64_t pad;

	if (room >= node->tail_size)
		return at;
	pad = round_up(room, CFS_SLOT_SIZE);
	room = CFS_BLOCK_SIZE - (at + head + pad) % CFS_BLOCK_SIZE;
	if (node->tail_size <= room)
		return at + pad;
	node->n_blocks++;
	node->tail_size = 0;
	return round_up(at, CFS_BLOCK_SIZE);
}

static uint64_t place(struct cfs_node *node, uint64_t at)
{
	uint64_t head = (node->extended ? sizeof(struct cfs_inode_extended) :
					  sizeof(struct cfs_inode_compact)) +
			node->xattr_size;

	at = round_up(at, CFS_SLOT_SIZE);
	at = S_ISLNK(node->mode) ? place_symlink(node, at, head) :
				   place_other(node, at, head);
	node->offset = at;
	if (node->layout != CFS_LAYOUT_CHUNK_BASED && node->tail_size)
		node->layout = CFS_LAYOUT_FLAT_INLINE;
	return at + head + node->tail_size;
}

static int place_blocks(struct cfs_plan *plan, struct errmsg *msg)
{
	uint64_t block = plan->data_start / CFS_BLOCK_SIZE;
	uint32_t i;

	for (i = 0; i < plan->n_inodes; i++) {
		struct cfs_node *node = plan->inodes[i];

		node->first_block = block;
		block += node->n_blocks;
		if (block > UINT32_MAX)
			return errmsg_set(msg, -EFBIG, "the image is larger than 16 TiB");
	}
	plan->size = block * CFS_BLOCK_SIZE;
	return 0;
}

int cfs_plan_layout(struct cfs_plan *plan, struct errmsg *msg)
{
	uint64_t at = CFS_INODES_OFFSET;
	uint32_t i;
	int err;

	for (i = 0; i < plan->n_inodes; i++) {
		struct cfs_node *node = plan->inodes[i];

		err = size_data(node, msg);
		if (!err)
			err = size_xattrs(node, msg);
		if (err)
			return err;
		node->extended = !is_compact(plan, node);
		at = place(node, at);
	}
	plan->inodes_end = round_up(at, CFS_SLOT_SIZE);
	plan->data_start = round_up(plan->inodes_end + plan->shared_size,
				    CFS_BLOCK_SIZE);
	return place_blocks(plan, msg);
}
