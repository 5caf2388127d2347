// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which blocks of an object are here: those that have the hash which the tree names,
 * up to the digest.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/full_io.h"
#include "cache/base/sparse_bits.h"
#include "cache/store/partial.h"
#include "cache/verity/hash.h"
#include "cache/verity/tree.h"

#define BLOCK_LEN	VERITY_BLOCK_LEN

struct recheck {
	const struct cfs_partial *partial;
	const struct cfs_verity_tree *tree;
	struct cfs_verity_hash *hash;
	struct sparse_bits *nodes, *data;
	uint8_t above[BLOCK_LEN];	/* a checked block of the tree */
	uint8_t blocks[VERITY_HASHES * BLOCK_LEN];
	uint8_t hashes[VERITY_HASHES * CFS_DIGEST_LEN];
};

/* The part of a file that one checked block vouches for; the end may be missing. */
static int read_children(struct recheck *r, int fd, uint64_t block, size_t n)
{
	size_t len = 0;

	while (len < n * BLOCK_LEN) {
		ssize_t got = pread(fd, r->blocks + len, n * BLOCK_LEN - len,
				    (off_t)(block * BLOCK_LEN + len));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		len += got;
	}
	memset(r->blocks + len, 0, n * BLOCK_LEN - len);
	return 0;
}

/* Set the bits of the @n blocks from @block on that r->above vouches for. */
static int check_children(struct recheck *r, int fd, uint64_t block, size_t n,
			  struct sparse_bits *bits)
{
	int err = read_children(r, fd, block, n);

	if (err == 0)
		err = cfs_verity_hash_blocks(r->hash, r->blocks, n, r->hashes);
	for (size_t i = 0; err == 0 && i < n; i++)
		if (memcmp(r->hashes + i * CFS_DIGEST_LEN,
			   r->above + i * CFS_DIGEST_LEN, CFS_DIGEST_LEN) == 0)
			err = sparse_bits_set(bits, block + i, block + i + 1);
	return err;
}

static bool has_data(int fd, uint64_t block, size_t n)
{
	off_t from = lseek(fd, (off_t)(block * BLOCK_LEN), SEEK_DATA);

	return from >= 0 && (uint64_t)from < (block + n) * BLOCK_LEN;
}

/* All children of one checked block of the tree. */
static int check_below(struct recheck *r, uint64_t node)
{
	const struct cfs_verity_tree *tree = r->tree;
	unsigned int level = cfs_verity_tree_level(tree, node);
	uint64_t first = (node - tree->start[level]) * VERITY_HASHES;
	uint64_t count = level ? tree->count[level - 1] : tree->n_data;
	uint64_t block = level ? tree->start[level - 1] + first : first;
	int fd = level ? r->partial->tree_fd : r->partial->data_fd;
	size_t n = count - first < VERITY_HASHES ? count - first :
						   VERITY_HASHES;
	int err;

	if (!has_data(fd, block, n))
		return 0;
	err = full_pread(r->partial->tree_fd, r->above, BLOCK_LEN,
			 (off_t)(node * BLOCK_LEN));
	return err == 0 ? check_children(r, fd, block, n,
					 level ? r->nodes : r->data) : err;
}

int cfs_partial_recheck(const struct cfs_partial *partial,
			const struct cfs_digest *digest,
			const struct cfs_verity_tree *tree,
			struct cfs_verity_hash *hash, struct sparse_bits *nodes,
			struct sparse_bits *data)
{
	CLEANUP_FREE struct recheck *r = malloc(sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->partial = partial;
	r->tree = tree;
	r->hash = hash;
	r->nodes = nodes;
	r->data = data;
	if (tree->n_levels == 0 || !has_data(partial->tree_fd, 0, 1))
		return 0;
	err = full_pread(partial->tree_fd, r->above, BLOCK_LEN, 0);
	if (err == 0)
		err = cfs_verity_tree_check_root(tree, hash, r->above, digest);
	if (err < 0)
		return err == -EBADMSG || err == -EIO ? 0 : err;
	err = sparse_bits_set(nodes, 0, 1);
	/* Levels stand from the root down: what is above has been checked. */
	for (uint64_t node = 0; node < tree->n_blocks && err == 0;
	     node = sparse_bits_next_set(nodes, node + 1))
		err = check_below(r, node);
	return err;
}
