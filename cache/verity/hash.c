// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The fs-verity digest of bytes as they stream by.
 *
 * The Merkle tree is never held: each level keeps only its unfinished block, and
 * a block that fills up is hashed into the level above.  What is left at the end
 * is padded with zeros, from the bottom up, until one hash remains: the root.
 * The digest is the hash of a descriptor that holds root and size.
 *
 * One libcrypto context is made per stream and re-initialised for every block:
 * SHA256() and a fresh context each look the algorithm up again, which costs as
 * much as hashing the block.  Where the processor can, two blocks are hashed side
 * by side, which needs no context at all.
 */
#include "cache/verity/hash.h"

#include <endian.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/sparse.h"
#include "cache/verity/sha256_pair.h"

#define BLOCK_LEN	4096
#define READ_LEN	(128 * 1024)

/* 2^64 bytes are 2^52 blocks, and each level divides by 128 = 2^7. */
#define MAX_LEVELS	8

/* struct fsverity_descriptor of the kernel, all of it that is hashed. */
struct descriptor {
	uint8_t version;		/* 1 */
	uint8_t hash_algorithm;		/* 1: SHA-256 */
	uint8_t log_blocksize;		/* 12 */
	uint8_t salt_size;		/* 0 */
	uint32_t sig_size;		/* 0 */
	uint64_t data_size;		/* little endian */
	uint8_t root_hash[64];
	uint8_t salt[32];
	uint8_t reserved[144];
};
_Static_assert(sizeof(struct descriptor) == 256, "hashed size");

struct level {
	size_t fill;			/* bytes of block in use, below BLOCK_LEN */
	uint64_t n_done;		/* blocks that were filled before it */
	uint8_t block[BLOCK_LEN];
};

struct cfs_verity_hash {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
	bool pairs;			/* two blocks at once are faster */
	cfs_verity_block_fn watch;	/* or NULL */
	void *context;
	uint64_t size;			/* bytes added so far */
	unsigned int n_levels;		/* levels in use, not those allocated */
	unsigned int n_zeros;		/* of the next, how many are known */
	uint8_t zeros[MAX_LEVELS][CFS_DIGEST_LEN];	/* what nothing but zeros adds to a level */
	struct level *levels[MAX_LEVELS];
	struct level data;
};

static int sha256(struct cfs_verity_hash *hash, const void *data, size_t len,
		  uint8_t ret[CFS_DIGEST_LEN])
{
	if (EVP_DigestInit_ex2(hash->ctx, NULL, NULL) != 1 ||
	    EVP_DigestUpdate(hash->ctx, data, len) != 1 ||
	    EVP_DigestFinal_ex(hash->ctx, ret, NULL) != 1)
		return -EIO;
	return 0;
}

int cfs_verity_hash_new(struct cfs_verity_hash **ret)
{
	struct cfs_verity_hash *hash = calloc(1, sizeof(*hash));

	if (!hash)
		return -ENOMEM;
	hash->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	hash->ctx = EVP_MD_CTX_new();
	if (!hash->md || !hash->ctx ||
	    EVP_DigestInit_ex2(hash->ctx, hash->md, NULL) != 1) {
		cfs_verity_hash_free(hash);
		return -ENOMEM;
	}
	hash->pairs = sha256_pair_available();
	*ret = hash;
	return 0;
}

void cfs_verity_hash_free(struct cfs_verity_hash *hash)
{
	unsigned int i;

	if (!hash)
		return;
	for (i = 0; i < MAX_LEVELS; i++)
		free(hash->levels[i]);
	EVP_MD_CTX_free(hash->ctx);
	EVP_MD_free(hash->md);
	free(hash);
}

void cfs_verity_hash_reset(struct cfs_verity_hash *hash)
{
	hash->size = 0;
	hash->n_levels = 0;
	hash->data.fill = 0;
}

void cfs_verity_hash_watch(struct cfs_verity_hash *hash, cfs_verity_block_fn fn,
			   void *context)
{
	hash->watch = fn;
	hash->context = context;
}

/* A block of the tree is whole: show it, and hash it for the level above. */
static int finish_block(struct cfs_verity_hash *hash, unsigned int i,
			uint8_t ret[CFS_DIGEST_LEN])
{
	struct level *level = hash->levels[i];
	uint64_t index = level->n_done++;
	int err = sha256(hash, level->block, BLOCK_LEN, ret);

	level->fill = 0;
	if (err == 0 && hash->watch)
		err = hash->watch(hash->context, i, index, level->block);
	return err;
}

/* Append a block's hash to a level of the tree, and carry full blocks upwards. */
static int add_hash(struct cfs_verity_hash *hash, unsigned int i,
		    const uint8_t value[CFS_DIGEST_LEN])
{
	uint8_t carry[CFS_DIGEST_LEN];
	int err;

	memcpy(carry, value, sizeof(carry));
	for (;; i++) {
		struct level *level;

		if (i == MAX_LEVELS)
			return -EFBIG;
		if (!hash->levels[i]) {
			hash->levels[i] = malloc(sizeof(*level));
			if (!hash->levels[i])
				return -ENOMEM;
		}
		level = hash->levels[i];
		if (i == hash->n_levels) {
			level->fill = 0;
			level->n_done = 0;
			hash->n_levels++;
		}
		memcpy(level->block + level->fill, carry, sizeof(carry));
		level->fill += sizeof(carry);
		if (level->fill < BLOCK_LEN)
			return 0;
		err = finish_block(hash, i, carry);
		if (err < 0)
			return err;
	}
}

static int add_block(struct cfs_verity_hash *hash, const void *block)
{
	uint8_t value[CFS_DIGEST_LEN];
	int err = sha256(hash, block, BLOCK_LEN, value);

	return err < 0 ? err : add_hash(hash, 0, value);
}

static int add_two_blocks(struct cfs_verity_hash *hash, const uint8_t *blocks)
{
	uint8_t first[CFS_DIGEST_LEN], second[CFS_DIGEST_LEN];
	int err;

	sha256_pair(blocks, blocks + BLOCK_LEN, BLOCK_LEN, first, second);
	err = add_hash(hash, 0, first);
	return err < 0 ? err : add_hash(hash, 0, second);
}

int cfs_verity_hash_add(struct cfs_verity_hash *hash, const void *data,
			size_t len)
{
	const uint8_t *p = data;
	int err;

	hash->size += len;
	if (hash->data.fill) {
		size_t n = BLOCK_LEN - hash->data.fill;

		if (n > len)
			n = len;
		memcpy(hash->data.block + hash->data.fill, p, n);
		hash->data.fill += n;
		p += n;
		len -= n;
		if (hash->data.fill < BLOCK_LEN)
			return 0;
		hash->data.fill = 0;
		err = add_block(hash, hash->data.block);
		if (err < 0)
			return err;
	}
	for (; hash->pairs && len >= 2 * BLOCK_LEN;
	     p += 2 * BLOCK_LEN, len -= 2 * BLOCK_LEN) {
		err = add_two_blocks(hash, p);
		if (err < 0)
			return err;
	}
	for (; len >= BLOCK_LEN; p += BLOCK_LEN, len -= BLOCK_LEN) {
		err = add_block(hash, p);
		if (err < 0)
			return err;
	}
	if (len)
		memcpy(hash->data.block, p, len);
	hash->data.fill = len;
	return 0;
}

static const uint8_t zero_block[BLOCK_LEN];

/* See to it that ->zeros[i] is known. */
static int learn_zeros(struct cfs_verity_hash *hash, unsigned int i)
{
	uint8_t block[BLOCK_LEN];
	size_t at;
	int err;

	while (hash->n_zeros <= i) {
		const unsigned int next = hash->n_zeros;

		for (at = 0; next && at < BLOCK_LEN; at += CFS_DIGEST_LEN)
			memcpy(block + at, hash->zeros[next - 1],
			       CFS_DIGEST_LEN);
		err = sha256(hash, next ? block : zero_block, BLOCK_LEN,
			     hash->zeros[next]);
		if (err < 0)
			return err;
		hash->n_zeros++;
	}
	return 0;
}

/*
 * The highest level at which a hash of zeros can be added as one: all below end at
 * a block, and there are zeros enough.  Who watches wants to see each block.
 */
static unsigned int level_for_zeros(const struct cfs_verity_hash *hash,
				    uint64_t n_blocks, uint64_t *ret_n)
{
	unsigned int i = 0;

	*ret_n = 1;
	while (!hash->watch && i + 1 < hash->n_levels &&
	       !hash->levels[i]->fill && n_blocks / 128 >= *ret_n) {
		*ret_n *= 128;
		i++;
	}
	return i;
}

int cfs_verity_hash_add_zeros(struct cfs_verity_hash *hash, uint64_t len)
{
	uint64_t n_blocks, n;
	int err;

	if (hash->data.fill) {
		n = BLOCK_LEN - hash->data.fill;
		if (n > len)
			n = len;
		err = cfs_verity_hash_add(hash, zero_block, n);
		if (err < 0)
			return err;
		len -= n;
	}
	for (n_blocks = len / BLOCK_LEN; n_blocks; n_blocks -= n) {
		unsigned int i = level_for_zeros(hash, n_blocks, &n);

		err = learn_zeros(hash, i);
		if (err == 0)
			err = add_hash(hash, i, hash->zeros[i]);
		if (err < 0)
			return err;
		hash->size += n * BLOCK_LEN;
	}
	return cfs_verity_hash_add(hash, zero_block, len % BLOCK_LEN);
}

static void pad(struct level *level)
{
	memset(level->block + level->fill, 0, BLOCK_LEN - level->fill);
}

/* Hash what is unfinished, from the bottom up, until one hash is left. */
static int finish_root(struct cfs_verity_hash *hash, uint8_t ret[CFS_DIGEST_LEN])
{
	unsigned int i;
	int err;

	if (hash->data.fill) {
		pad(&hash->data);
		hash->data.fill = 0;
		err = add_block(hash, hash->data.block);
		if (err < 0)
			return err;
	}
	for (i = 0; i < hash->n_levels; i++) {
		struct level *level = hash->levels[i];
		uint8_t value[CFS_DIGEST_LEN];

		if (i + 1 == hash->n_levels && level->fill == CFS_DIGEST_LEN) {
			memcpy(ret, level->block, CFS_DIGEST_LEN);
			return 0;
		}
		if (!level->fill)
			continue;
		pad(level);
		err = finish_block(hash, i, value);
		if (err == 0)
			err = add_hash(hash, i + 1, value);
		if (err < 0)
			return err;
	}
	memset(ret, 0, CFS_DIGEST_LEN);	/* an empty file has no tree */
	return 0;
}

int cfs_verity_hash_root(struct cfs_verity_hash *hash,
			 const uint8_t root[CFS_DIGEST_LEN], uint64_t size,
			 struct cfs_digest *ret)
{
	struct descriptor descriptor = {
		.version = 1,
		.hash_algorithm = 1,
		.log_blocksize = 12,
		.data_size = htole64(size),
	};
	struct cfs_digest digest;
	int err;

	memcpy(descriptor.root_hash, root, CFS_DIGEST_LEN);
	err = sha256(hash, &descriptor, sizeof(descriptor), digest.bytes);
	if (err < 0)
		return err;
	*ret = digest;
	return 0;
}

int cfs_verity_hash_finish(struct cfs_verity_hash *hash, struct cfs_digest *ret)
{
	uint8_t root[CFS_DIGEST_LEN];
	int err = finish_root(hash, root);

	return err < 0 ? err : cfs_verity_hash_root(hash, root, hash->size, ret);
}

int cfs_verity_hash_blocks(struct cfs_verity_hash *hash, const void *blocks,
			   size_t n, uint8_t *ret)
{
	const uint8_t *p = blocks;

	for (; hash->pairs && n >= 2; n -= 2) {
		sha256_pair(p, p + BLOCK_LEN, BLOCK_LEN, ret,
			    ret + CFS_DIGEST_LEN);
		p += 2 * BLOCK_LEN;
		ret += 2 * CFS_DIGEST_LEN;
	}
	for (; n; n--) {
		int err = sha256(hash, p, BLOCK_LEN, ret);

		if (err < 0)
			return err;
		p += BLOCK_LEN;
		ret += CFS_DIGEST_LEN;
	}
	return 0;
}

static void free_hash(struct cfs_verity_hash **hash)
{
	cfs_verity_hash_free(*hash);
}

int cfs_verity_hash_buffer(const void *data, size_t len, struct cfs_digest *ret)
{
	CLEANUP(free_hash) struct cfs_verity_hash *hash = NULL;
	int err = cfs_verity_hash_new(&hash);

	if (err == 0)
		err = cfs_verity_hash_add(hash, data, len);
	return err < 0 ? err : cfs_verity_hash_finish(hash, ret);
}

static int take_bytes(void *context, const void *data, uint64_t len,
		      uint64_t offset)
{
	struct cfs_verity_hash *hash = context;

	(void)offset;
	return data ? cfs_verity_hash_add(hash, data, len) :
		      cfs_verity_hash_add_zeros(hash, len);
}

int cfs_verity_hash_add_fd(struct cfs_verity_hash *hash, int fd,
			   uint64_t max_size)
{
	CLEANUP_FREE void *buffer = malloc(READ_LEN);
	/* One more, to know whether there are more. */
	const uint64_t max = max_size < UINT64_MAX ? max_size + 1 : max_size;
	uint64_t size;
	int err;

	if (!buffer)
		return -ENOMEM;
	err = sparse_read(fd, max, buffer, READ_LEN, take_bytes, hash, &size);
	return !err && size > max_size ? -EFBIG : err;
}

int cfs_verity_hash_fd(int fd, uint64_t max_size, struct cfs_digest *ret,
		       uint64_t *ret_size)
{
	CLEANUP(free_hash) struct cfs_verity_hash *hash = NULL;
	int err = cfs_verity_hash_new(&hash);

	if (err == 0)
		err = cfs_verity_hash_add_fd(hash, fd, max_size);
	if (err == 0)
		err = cfs_verity_hash_finish(hash, ret);
	if (err == 0 && ret_size)
		*ret_size = hash->size;
	return err;
}
