// SPDX-License-Identifier: GPL-2.0-or-later
/* Where everything is in the Merkle tree of an object, and making one. */
#include "cache/verity/tree.h"

#include <errno.h>

#include "cache/base/cleanup.h"
#include "cache/base/full_io.h"
#include "cache/verity/hash.h"

static uint64_t divide_up(uint64_t n, uint64_t by)
{
	return n / by + (n % by != 0);
}

void cfs_verity_tree_init(struct cfs_verity_tree *tree, uint64_t size)
{
	uint64_t n = divide_up(size, VERITY_BLOCK_LEN), start = 0;
	unsigned int level;

	*tree = (struct cfs_verity_tree){ .size = size, .n_data = n };
	while (n > 1) {
		n = divide_up(n, VERITY_HASHES);
		tree->count[tree->n_levels++] = n;
	}
	for (level = tree->n_levels; level-- > 0;) {
		tree->start[level] = start;
		start += tree->count[level];
	}
	tree->n_blocks = start;
}

uint64_t cfs_verity_tree_block(const struct cfs_verity_tree *tree,
			       unsigned int level, uint64_t data_block)
{
	unsigned int i;

	for (i = 0; i <= level; i++)
		data_block /= VERITY_HASHES;
	return tree->start[level] + data_block;
}

unsigned int cfs_verity_tree_level(const struct cfs_verity_tree *tree,
				   uint64_t block)
{
	unsigned int level = tree->n_levels - 1;

	while (level > 0 && block >= tree->start[level] + tree->count[level])
		level--;
	return level;
}

uint64_t cfs_verity_tree_parent(const struct cfs_verity_tree *tree,
				uint64_t block, unsigned int *ret_hash)
{
	unsigned int level = cfs_verity_tree_level(tree, block);
	uint64_t index = block - tree->start[level];

	*ret_hash = index % VERITY_HASHES;
	return tree->start[level + 1] + index / VERITY_HASHES;
}

int cfs_verity_tree_check_root(const struct cfs_verity_tree *tree,
			       struct cfs_verity_hash *hash, const void *block,
			       const struct cfs_digest *digest)
{
	uint8_t root[CFS_DIGEST_LEN];
	struct cfs_digest found;
	int err = cfs_verity_hash_blocks(hash, block, 1, root);

	if (err == 0)
		err = cfs_verity_hash_root(hash, root, tree->size, &found);
	if (err < 0)
		return err;
	return cfs_digest_equal(&found, digest) ? 0 : -EBADMSG;
}

struct tree_writer {
	struct cfs_verity_tree tree;
	int fd;
};

/* More levels or blocks than the size has room for: there were more bytes. */
static int write_block(void *context, unsigned int level, uint64_t index,
		       const void *block)
{
	const struct tree_writer *writer = context;

	if (level >= writer->tree.n_levels || index >= writer->tree.count[level])
		return -EFBIG;
	return full_pwrite(writer->fd, block, VERITY_BLOCK_LEN,
			   (off_t)((writer->tree.start[level] + index) *
				   VERITY_BLOCK_LEN));
}

static void free_hash(struct cfs_verity_hash **hash)
{
	cfs_verity_hash_free(*hash);
}

int cfs_verity_tree_write(int object_fd, uint64_t size,
			  const struct cfs_digest *digest, int tree_fd)
{
	CLEANUP(free_hash) struct cfs_verity_hash *hash = NULL;
	struct tree_writer writer = { .fd = tree_fd };
	struct cfs_digest found;
	int err = cfs_verity_hash_new(&hash);

	if (err < 0)
		return err;
	cfs_verity_tree_init(&writer.tree, size);
	cfs_verity_hash_watch(hash, write_block, &writer);
	err = cfs_verity_hash_add_fd(hash, object_fd, size);
	if (err == 0)
		err = cfs_verity_hash_finish(hash, &found);
	if (err < 0)
		return err;
	return cfs_digest_equal(&found, digest) ? 0 : -EBADMSG;
}
