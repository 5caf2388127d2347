/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fs-verity digest of bytes as they stream by: what the kernel would
 * measure of a file with these bytes (SHA-256, 4096-byte blocks, no salt).
 * libfsverity computes the same, but only by pulling from a reader; a download
 * pushes.  Algorithm: Documentation/filesystems/fsverity.rst.
 *
 * Ownership: cfs_verity_hash_new() gives the caller a hash to
 * cfs_verity_hash_free().  Data is borrowed for the duration of the call.  One
 * hash may be used by one thread at a time; memory is O(log size).
 */
#ifndef CACHE_VERITY_HASH_H
#define CACHE_VERITY_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "cache/verity/digest.h"

struct cfs_verity_hash;

/**
 * cfs_verity_hash_new() - a hash of nothing yet
 * @ret: the hash, owned by the caller; untouched on failure
 *
 * Return: 0 or -ENOMEM.
 */
int cfs_verity_hash_new(struct cfs_verity_hash **ret);

/** cfs_verity_hash_free() - NULL is allowed */
void cfs_verity_hash_free(struct cfs_verity_hash *hash);

/**
 * typedef cfs_verity_block_fn - called for each block of the Merkle tree
 * @level: 0 holds the hashes of the data
 * @index: of the block within its level, in order from 0
 * @block: 4096 bytes, zeros behind the last hash; borrowed
 *
 * Return: 0 to go on, or -errno to have it returned by what was called.
 */
typedef int (*cfs_verity_block_fn)(void *context, unsigned int level,
				   uint64_t index, const void *block);

/**
 * cfs_verity_hash_watch() - have each block of the tree shown once it is whole
 * @hash: nothing was added yet
 * @fn: called from inside cfs_verity_hash_add() and _finish(); NULL for none
 * @context: passed to @fn
 */
void cfs_verity_hash_watch(struct cfs_verity_hash *hash, cfs_verity_block_fn fn,
			   void *context);

/** cfs_verity_hash_reset() - forget everything added, ready for other bytes */
void cfs_verity_hash_reset(struct cfs_verity_hash *hash);

/**
 * cfs_verity_hash_add() - add the next @len bytes
 *
 * Return: 0, -ENOMEM, or -EIO if libcrypto failed.
 */
int cfs_verity_hash_add(struct cfs_verity_hash *hash, const void *data,
			size_t len);

/**
 * cfs_verity_hash_add_zeros() - add @len zeros, in a time that hardly grows with @len
 *
 * Return: as cfs_verity_hash_add().
 */
int cfs_verity_hash_add_zeros(struct cfs_verity_hash *hash, uint64_t len);

/**
 * cfs_verity_hash_add_fd() - add a file, from its start to its end
 * @fd: a readable regular file; its file position is where it was, afterwards; holes
 *	are not read
 * @max_size: refuse to read more than this many bytes
 *
 * Return: 0, -EFBIG if there are more than @max_size bytes, or what read gave.
 */
int cfs_verity_hash_add_fd(struct cfs_verity_hash *hash, int fd,
			   uint64_t max_size);

/**
 * cfs_verity_hash_blocks() - hash each of some blocks for itself
 * @hash: only its means are used: what was added to it stays as it is
 * @blocks: @n times 4096 bytes
 * @ret: @n times %CFS_DIGEST_LEN bytes
 *
 * Return: 0, or -EIO if libcrypto failed.
 */
int cfs_verity_hash_blocks(struct cfs_verity_hash *hash, const void *blocks,
			   size_t n, uint8_t *ret);

/**
 * cfs_verity_hash_root() - the digest that a root hash and a size make
 * @hash: as for cfs_verity_hash_blocks()
 * @root: the hash of the tree's topmost block
 * @size: of the file, in bytes
 * @ret: the digest; untouched on failure
 *
 * Return: 0, or -EIO if libcrypto failed.
 */
int cfs_verity_hash_root(struct cfs_verity_hash *hash,
			 const uint8_t root[CFS_DIGEST_LEN], uint64_t size,
			 struct cfs_digest *ret);

/**
 * cfs_verity_hash_finish() - the digest of all bytes added
 * @hash: must be reset before it is used again
 * @ret: the digest; untouched on failure
 *
 * Return: 0, -ENOMEM, or -EIO if libcrypto failed.
 */
int cfs_verity_hash_finish(struct cfs_verity_hash *hash,
			   struct cfs_digest *ret);

/**
 * cfs_verity_hash_buffer() - the digest of one buffer
 *
 * Return: 0, -ENOMEM or -EIO.
 */
int cfs_verity_hash_buffer(const void *data, size_t len,
			   struct cfs_digest *ret);

/**
 * cfs_verity_hash_fd() - read a file from its start to its end and digest it
 * @fd: a readable regular file; its file position is not used
 * @max_size: refuse to read more than this many bytes
 * @ret: the digest; untouched on failure
 * @ret_size: number of bytes read; may be NULL
 *
 * Return: 0, -EFBIG if there are more than @max_size bytes, or what read gave.
 */
int cfs_verity_hash_fd(int fd, uint64_t max_size, struct cfs_digest *ret,
		       uint64_t *ret_size);

#endif /* CACHE_VERITY_HASH_H */
