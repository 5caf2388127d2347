// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Emit the bytes, in order, from a plan that is complete.  Nothing is decided
 * here.
 */
#include "cache/build/write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/build/plan.h"
#include "kmod/cfs_format.h"

#define BUFFER_SIZE	((size_t)256 << 10)

struct out {
	cfs_image_sink_fn sink;
	void *context;
	char *buffer;
	size_t used;
	uint64_t position;		/* in the image, of the next byte */
	int err;			/* the first failure; then nothing is done */
};

static void flush(struct out *out)
{
	if (!out->err && out->used)
		out->err = out->sink(out->context, out->buffer, out->used);
	out->used = 0;
}

/* Room for the next @len bytes, at most a block; the caller fills it. */
static void *next_bytes(struct out *out, size_t len)
{
	void *ret;

	if (BUFFER_SIZE - out->used < len)
		flush(out);
	ret = out->buffer + out->used;
	out->used += len;
	out->position += len;
	return ret;
}

static void put(struct out *out, const void *data, size_t len)
{
	const char *bytes = data;

	while (len) {
		size_t now = len < CFS_BLOCK_SIZE ? len : CFS_BLOCK_SIZE;

		memcpy(next_bytes(out, now), bytes, now);
		bytes += now;
		len -= now;
	}
}

static void zeros_to(struct out *out, uint64_t position)
{
	while (out->position < position) {
		uint64_t len = position - out->position;

		if (len > CFS_BLOCK_SIZE)
			len = CFS_BLOCK_SIZE;
		memset(next_bytes(out, len), 0, len);
	}
}

static void put_holes(struct out *out, size_t len)
{
	memset(next_bytes(out, len), 0xff, len);
}

/* ---- superblock ---- */

static void put_header(struct out *out, const struct cfs_plan *plan)
{
	const struct cfs_header header = {
		.magic = cpu_to_le32(CFS_HEADER_MAGIC),
		.version = cpu_to_le32(CFS_HEADER_VERSION),
		.flags = cpu_to_le32(plan->has_acl ? CFS_HEADER_FLAG_HAS_ACL :
						     0),
		.composefs_version = cpu_to_le32(plan->version),
	};
	const struct cfs_super super = {
		.magic = cpu_to_le32(CFS_SB_MAGIC),
		.feature_compat = cpu_to_le32(CFS_FEATURE_COMPAT_MTIME |
					      CFS_FEATURE_COMPAT_XATTR_FILTER),
		.blkszbits = CFS_BLOCK_BITS,
		.root_nid = cpu_to_le16(plan->tree->root->offset /
					CFS_SLOT_SIZE),
		.inos = cpu_to_le64(plan->n_inodes),
		.build_time = cpu_to_le64(plan->base_sec),
		.build_time_nsec = cpu_to_le32(plan->base_nsec),
		.blocks = cpu_to_le32(plan->size / CFS_BLOCK_SIZE),
		.xattr_blkaddr = cpu_to_le32(plan->inodes_end /
					     CFS_BLOCK_SIZE),
	};

	put(out, &header, sizeof(header));
	zeros_to(out, CFS_SB_OFFSET);
	put(out, &super, sizeof(super));
}

/* ---- inodes ---- */

static uint32_t inode_u(const struct cfs_node *node)
{
	unsigned int bits = CFS_BLOCK_BITS;

	if (node->layout == CFS_LAYOUT_CHUNK_BASED) {
		while (bits < CFS_CHUNK_BITS_MAX && (node->size - 1) >> bits)
			bits++;
		bits -= CFS_BLOCK_BITS;
		/*
		 * A block map that got a block (a file of petabytes): the
		 * existing tools lose half of its number, and so the digest
		 * demands.
		 */
		return node->n_blocks ? bits | (node->first_block & 0xffff0000) :
					bits;
	}
	if (S_ISCHR(node->mode) || S_ISBLK(node->mode))
		return node->rdev;
	return node->n_blocks ? node->first_block : 0;
}

static void put_inode(struct out *out, const struct cfs_node *node)
{
	uint16_t format = node->layout << CFS_FORMAT_LAYOUT_SHIFT;
	uint16_t icount = 0;

	if (node->xattr_size)
		icount = (node->xattr_size - sizeof(struct cfs_xattr_header)) /
			 4 + 1;
	if (node->extended) {
		const struct cfs_inode_extended inode = {
			.format = cpu_to_le16(format | CFS_FORMAT_EXTENDED),
			.xattr_icount = cpu_to_le16(icount),
			.mode = cpu_to_le16(node->mode),
			.size = cpu_to_le64(node->image_size),
			.u = cpu_to_le32(inode_u(node)),
			.ino = cpu_to_le32(node->ino),
			.uid = cpu_to_le32(node->uid),
			.gid = cpu_to_le32(node->gid),
			.mtime = cpu_to_le64(node->mtime_sec),
			.mtime_nsec = cpu_to_le32(node->mtime_nsec),
			.nlink = cpu_to_le32(node->nlink),
		};

		put(out, &inode, sizeof(inode));
	} else {
		const struct cfs_inode_compact inode = {
			.format = cpu_to_le16(format),
			.xattr_icount = cpu_to_le16(icount),
			.mode = cpu_to_le16(node->mode),
			.nlink = cpu_to_le16(node->nlink),
			.size = cpu_to_le32(node->image_size),
			.u = cpu_to_le32(inode_u(node)),
			.ino = cpu_to_le32(node->ino),
			.uid = cpu_to_le16(node->uid),
			.gid = cpu_to_le16(node->gid),
		};

		put(out, &inode, sizeof(inode));
	}
}

/* ---- xattrs ---- */

static void put_xattr_entry(struct out *out, const char *name,
			    uint32_t name_len, const void *value,
			    uint32_t value_len)
{
	const uint64_t end = out->position +
			     cfs_xattr_entry_size(name, name_len, value_len);
	uint32_t prefix_len;
	const uint8_t index = cfs_xattr_index(name, &prefix_len);
	const struct cfs_xattr_entry entry = {
		.index = index,
		.name_len = name_len - prefix_len,
		.value_len = cpu_to_le16(value_len),
	};

	put(out, &entry, sizeof(entry));
	put(out, name + prefix_len, name_len - prefix_len);
	put(out, value, value_len);
	zeros_to(out, end);
}

static void put_xattrs(struct out *out, const struct cfs_plan *plan,
		       const struct cfs_node *node)
{
	const uint64_t shared_start = plan->inodes_end % CFS_BLOCK_SIZE;
	const struct cfs_xattr_header header = {
		.name_filter = cpu_to_le32(cfs_xattr_filter(node)),
		.shared_count = node->shared_refs,
	};
	uint32_t i, refs = 0;

	if (!node->xattr_size)
		return;
	put(out, &header, sizeof(header));
	for (i = 0; refs < node->shared_refs; i++) {
		const struct cfs_xattr_pair *pair = node->xattrs[i].pair;
		__le32 ref = cpu_to_le32((shared_start + pair->offset) / 4);

		if (!cfs_xattr_pair_is_shared(pair))
			continue;
		put(out, &ref, sizeof(ref));
		refs++;
	}
	for (i = 0, refs = 0; i < node->n_xattrs; i++) {
		const struct cfs_node_xattr *xattr = &node->xattrs[i];

		if (cfs_xattr_pair_is_shared(xattr->pair) &&
		    refs++ < node->shared_refs)
			continue;
		put_xattr_entry(out, xattr->name, xattr->name_len,
				xattr->value, xattr->value_len);
	}
}

static void put_shared_xattrs(struct out *out, const struct cfs_plan *plan)
{
	uint32_t i;

	for (i = 0; i < plan->n_shared; i++)
		put_xattr_entry(out, plan->shared[i]->name,
				plan->shared[i]->name_len,
				plan->shared[i]->value,
				plan->shared[i]->value_len);
}

/* ---- data ---- */

static uint8_t file_type(const struct cfs_node *node)
{
	switch (node->mode & S_IFMT) {
	case S_IFREG:
		return CFS_FT_REG;
	case S_IFDIR:
		return CFS_FT_DIR;
	case S_IFCHR:
		return CFS_FT_CHR;
	case S_IFBLK:
		return CFS_FT_BLK;
	case S_IFIFO:
		return CFS_FT_FIFO;
	case S_IFSOCK:
		return CFS_FT_SOCK;
	case S_IFLNK:
		return CFS_FT_LNK;
	}
	abort();	/* makers of trees allow only these */
}

/* The entries of one block, from the cursor on. */
static void put_entries(struct out *out, struct cfs_dir_cursor cursor,
			uint32_t n_entries)
{
	struct cfs_dir_cursor names = cursor;
	struct cfs_dir_cursor_entry entry;
	uint32_t nameoff = n_entries * sizeof(struct cfs_dirent), i;

	for (i = 0; i < n_entries && cfs_dir_cursor_next(&cursor, &entry); i++) {
		const struct cfs_dirent dirent = {
			.nid = cpu_to_le64(entry.inode->offset / CFS_SLOT_SIZE),
			.nameoff = cpu_to_le16(nameoff),
			.file_type = file_type(entry.inode),
		};

		put(out, &dirent, sizeof(dirent));
		nameoff += entry.name_len;
	}
	for (i = 0; i < n_entries && cfs_dir_cursor_next(&names, &entry); i++)
		put(out, entry.name, entry.name_len);
}

static void put_dir_blocks(struct out *out, const struct cfs_node *node)
{
	struct cfs_dir_cursor cursor = { .dir = node }, start;
	uint64_t end = out->position;
	uint32_t i, n_entries;

	for (i = 0; i < node->n_blocks; i++) {
		start = cursor;
		cfs_dir_cursor_group(&cursor, &n_entries);
		put_entries(out, start, n_entries);
		end += CFS_BLOCK_SIZE;
		zeros_to(out, end);
	}
}

static void put_dir_tail(struct out *out, const struct cfs_node *node)
{
	struct cfs_dir_cursor cursor = { .dir = node }, start;
	uint32_t i, n_entries;

	for (i = 0; i < node->n_blocks; i++)
		cfs_dir_cursor_group(&cursor, &n_entries);
	start = cursor;
	cfs_dir_cursor_group(&cursor, &n_entries);
	put_entries(out, start, n_entries);
}

static void put_tail(struct out *out, const struct cfs_node *node)
{
	if (!node->tail_size)
		return;
	if (node->layout == CFS_LAYOUT_CHUNK_BASED)
		put_holes(out, node->tail_size);
	else if (S_ISDIR(node->mode))
		put_dir_tail(out, node);
	else if (S_ISLNK(node->mode))
		put(out, node->payload, node->tail_size);
	else
		put(out, node->content + node->size - node->tail_size,
		    node->tail_size);
}

static void put_blocks(struct out *out, const struct cfs_node *node)
{
	const uint64_t end = out->position +
			     (uint64_t)node->n_blocks * CFS_BLOCK_SIZE;

	if (!node->n_blocks)
		return;
	if (node->layout == CFS_LAYOUT_CHUNK_BASED)
		put_holes(out, CFS_BLOCK_SIZE);
	else if (S_ISDIR(node->mode))
		put_dir_blocks(out, node);
	else if (S_ISLNK(node->mode))
		put(out, node->payload, node->payload_len);
	else
		put(out, node->content, node->size - node->tail_size);
	zeros_to(out, end);
}

static void put_image(struct out *out, const struct cfs_plan *plan)
{
	uint32_t i;

	put_header(out, plan);
	for (i = 0; i < plan->n_inodes && !out->err; i++) {
		const struct cfs_node *node = plan->inodes[i];

		zeros_to(out, node->offset);
		put_inode(out, node);
		put_xattrs(out, plan, node);
		put_tail(out, node);
	}
	zeros_to(out, plan->inodes_end);
	put_shared_xattrs(out, plan);
	zeros_to(out, plan->data_start);
	for (i = 0; i < plan->n_inodes && !out->err; i++)
		put_blocks(out, plan->inodes[i]);
	flush(out);
}

int cfs_image_write(struct cfs_tree *tree, uint32_t min_version,
		    uint32_t max_version, cfs_image_sink_fn sink, void *context,
		    struct errmsg *msg)
{
	struct out out = { .sink = sink, .context = context };
	struct cfs_plan plan = { 0 };
	int err;

	err = cfs_plan_prepare(&plan, tree, min_version, max_version);
	if (!err)
		err = cfs_plan_share_xattrs(&plan);
	if (!err)
		err = cfs_plan_layout(&plan, msg);
	if (!err) {
		out.buffer = malloc(BUFFER_SIZE);
		err = out.buffer ? 0 : -ENOMEM;
	}
	if (!err) {
		put_image(&out, &plan);
		err = out.err;
	}
	free(out.buffer);
	cfs_plan_release(&plan);
	return err;
}
