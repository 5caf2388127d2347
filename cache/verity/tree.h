/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Merkle tree of an object: the format of verity/aa/<62 hex>, what it takes to
 * check it, and what in it vouches for which bytes.
 *
 * The file is the tree that fs-verity builds of the object, byte for byte what
 * FS_IOC_READ_VERITY_METADATA gives for FS_VERITY_METADATA_TYPE_MERKLE_TREE, with
 * the parameters of every digest here (SHA-256, 4096-byte blocks, no salt):
 *
 *	block 0					the root block
 *	...					level 1: hashes of the blocks of level 0
 *	start[0] to start[0] + count[0] - 1	level 0: hashes of the object's blocks
 *
 * A block holds 128 hashes, zeros behind the last one; the object's last block is
 * hashed as if filled up with zeros.  Levels stand from the root down, without
 * gaps, so the object's size gives the place of everything, and the file has no
 * header.  An object of one block or none has no tree, and no such file.
 *
 * Nothing in the file is to be believed.  The hash of the root block and the
 * object's size make a descriptor whose hash must be the digest; from there on a
 * checked block vouches for those below it.  So a few blocks from the root down,
 * each fetched alone, are enough to check one block of the object, and a wrong one
 * is found before any of its bytes is used.
 *
 * In-kernel checking of blocks that stream in will need no other format: fs-verity
 * wants the same tree and descriptor.
 *
 * Values only, but for cfs_verity_tree_write(); any thread.
 */
#ifndef CACHE_VERITY_TREE_H
#define CACHE_VERITY_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "cache/verity/digest.h"

struct cfs_verity_hash;

#define VERITY_BLOCK_LEN	4096
#define VERITY_HASHES		128	/* of a block */
#define VERITY_LEVELS_MAX	8

/**
 * struct cfs_verity_tree - where everything is in the tree of an object
 * @size: of the object, in bytes
 * @n_data: blocks of the object
 * @n_blocks: blocks of the tree
 * @n_levels: 0 if there is no tree
 * @start: first block of each level; level 0 is next to the data
 * @count: blocks of each level
 */
struct cfs_verity_tree {
	uint64_t size;
	uint64_t n_data;
	uint64_t n_blocks;
	unsigned int n_levels;
	uint64_t start[VERITY_LEVELS_MAX];
	uint64_t count[VERITY_LEVELS_MAX];
};

/** cfs_verity_tree_init() - the tree of an object of @size bytes */
void cfs_verity_tree_init(struct cfs_verity_tree *tree, uint64_t size);

/**
 * cfs_verity_tree_block() - which block of the tree leads to a block of the object
 * @level: below n_levels
 * @data_block: below n_data
 *
 * Return: its number in the tree.
 */
uint64_t cfs_verity_tree_block(const struct cfs_verity_tree *tree,
			       unsigned int level, uint64_t data_block);

/** cfs_verity_tree_level() - the level of a block of the tree */
unsigned int cfs_verity_tree_level(const struct cfs_verity_tree *tree,
				   uint64_t block);

/**
 * cfs_verity_tree_parent() - which block of the tree vouches for another
 * @block: any but the root block
 * @ret_hash: number of the hash in it
 *
 * Return: the block above.
 */
uint64_t cfs_verity_tree_parent(const struct cfs_verity_tree *tree,
				uint64_t block, unsigned int *ret_hash);

/**
 * cfs_verity_tree_check_root() - does a root block lead to the digest?
 * @hash: means to hash, see cfs_verity_hash_blocks()
 * @block: %VERITY_BLOCK_LEN bytes
 * @digest: of the object
 *
 * Return: 0, -EBADMSG or -EIO.
 */
int cfs_verity_tree_check_root(const struct cfs_verity_tree *tree,
			       struct cfs_verity_hash *hash, const void *block,
			       const struct cfs_digest *digest);

/**
 * cfs_verity_tree_write() - make the tree of an object
 * @object_fd: the object; its file position is not used
 * @size: it has
 * @digest: it must have
 * @tree_fd: an empty file; the tree is written into it
 *
 * Return: 0; -EBADMSG if the object has other bytes; -EFBIG if it has more; or
 * what read and write gave.
 */
int cfs_verity_tree_write(int object_fd, uint64_t size,
			  const struct cfs_digest *digest, int tree_fd);

#endif /* CACHE_VERITY_TREE_H */
