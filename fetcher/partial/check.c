// SPDX-License-Identifier: GPL-2.0-or-later
/* Is a part what it should be?  Then it is written.  On a thread of the pool. */
#include <errno.h>
#include <string.h>

#include "cache/base/full_io.h"
#include "fetcher/partial/internal.h"

#define BLOCK_LEN	VERITY_BLOCK_LEN
#define CHUNK_BLOCKS	(CHUNK_LEN / BLOCK_LEN)

/* A block of the tree that has been checked; read from our own file. */
struct above {
	uint64_t node;			/* UINT64_MAX: none yet */
	uint8_t block[BLOCK_LEN];
};

static int load_above(const struct partial *partial, struct above *above,
		      uint64_t node)
{
	int err;

	if (above->node == node)
		return 0;
	err = full_pread(partial->files.tree_fd, above->block, BLOCK_LEN,
			 (off_t)(node * BLOCK_LEN));
	above->node = err == 0 ? node : UINT64_MAX;
	return err;
}

static bool is_hash(const struct above *above, unsigned int i,
		    const uint8_t hash[CFS_DIGEST_LEN])
{
	return memcmp(above->block + (size_t)i * CFS_DIGEST_LEN, hash,
		      CFS_DIGEST_LEN) == 0;
}

/* How many of the chunk's blocks, from the first on, are right? */
static int check_chunk(struct partial_range *range, struct above *above,
		       uint64_t block, const struct chunk *chunk, size_t n,
		       size_t *ret_good)
{
	const struct partial *partial = range->partial;
	uint8_t hashes[CHUNK_BLOCKS * CFS_DIGEST_LEN];
	int err;

	*ret_good = n;
	if (!partial->map.has_tree)
		return 0;
	/* The object's last block is hashed as if zeros followed. */
	memset(chunk->data + chunk->len, 0, n * BLOCK_LEN - chunk->len);
	err = cfs_verity_hash_blocks(range->hash, chunk->data, n, hashes);
	for (size_t i = 0; err == 0 && i < n; i++) {
		err = load_above(partial, above,
				 cfs_verity_tree_block(&partial->map.tree, 0,
						       block + i));
		if (err == 0 &&
		    !is_hash(above, (block + i) % VERITY_HASHES,
			     hashes + i * CFS_DIGEST_LEN)) {
			*ret_good = i;
			return -EBADMSG;
		}
	}
	return err;
}

void partial_check_chunks(struct partial_range *range)
{
	struct chunk *chunk = STAILQ_FIRST(&range->chunks);
	struct above above = { .node = UINT64_MAX };
	int err = 0;

	range->n_good = 0;
	for (size_t left = range->n_job; left && err == 0; left--) {
		uint64_t block = range->span.from + range->n_good;
		size_t n = (chunk->len + BLOCK_LEN - 1) / BLOCK_LEN, good, len;
		int write_err = 0;

		err = check_chunk(range, &above, block, chunk, n, &good);
		if (err < 0 && err != -EBADMSG)
			break;
		len = good == n ? chunk->len : good * BLOCK_LEN;
		if (len)
			write_err = full_pwrite(range->partial->files.data_fd,
						chunk->data, len,
						(off_t)(block * BLOCK_LEN));
		if (write_err < 0)
			err = write_err;
		else
			range->n_good += good;
		/* The link of the last one may be written by the loop just now. */
		if (left > 1)
			chunk = STAILQ_NEXT(chunk, entry);
	}
	range->job_err = err;
}

/* Blocks of one level, from the first wrong one on none. */
static int check_level(struct partial_range *range, uint64_t *ret_good)
{
	const struct partial *partial = range->partial;
	const struct partial_span *span = &range->span;
	struct above above = { .node = UINT64_MAX };
	int err = 0;

	for (*ret_good = 0; span->from + *ret_good < span->to; ++*ret_good) {
		uint8_t hash[CFS_DIGEST_LEN];
		unsigned int i;
		uint64_t node = cfs_verity_tree_parent(
			&partial->map.tree, span->from + *ret_good, &i);

		err = load_above(partial, &above, node);
		if (err == 0)
			err = cfs_verity_hash_blocks(
				range->hash,
				range->nodes + *ret_good * BLOCK_LEN, 1, hash);
		if (err == 0 && !is_hash(&above, i, hash))
			err = -EBADMSG;
		if (err < 0)
			return err;
	}
	return 0;
}

void partial_check_nodes(struct partial_range *range)
{
	const struct partial *partial = range->partial;
	uint64_t good = 0;
	int err, write_err = 0;

	if (range->span.from == 0) {
		err = cfs_verity_tree_check_root(&partial->map.tree, range->hash,
						 range->nodes,
						 &partial->digest);
		good = err == 0;
	} else {
		err = check_level(range, &good);
	}
	if (good)
		write_err = full_pwrite(partial->files.tree_fd, range->nodes,
					good * BLOCK_LEN,
					(off_t)(range->span.from * BLOCK_LEN));
	range->n_good = write_err < 0 ? 0 : good;
	range->job_err = write_err < 0 ? write_err : err;
}
