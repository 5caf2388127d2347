/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects that are here in part: where checked blocks stay until the rest is there,
 * also when the program that fetches them ends.
 *
 *	STORE/partial/<64 hex>.data	the object's blocks, each at its place, with
 *					holes; its size is the object's
 *	STORE/partial/<64 hex>.tree	the blocks of its Merkle tree, likewise
 *					(cache/verity/tree.h)
 *
 * Nothing says which blocks are there: a block is there if it has the hash that the
 * block above it in the tree names, up to the digest.  So nothing has to be written
 * in any order and nothing flushed: whatever a crash leaves is checked again, block
 * by block, by cfs_partial_recheck(), and is there or is not.
 *
 *	open ---> recheck ---> blocks are written, each after it was checked
 *	                          |
 *	                          +--> all are there: publish, as any staged file
 *	                          +--> close: the files stay, for the next open
 *
 * Whoever has the files holds a lock on .tree.  A second one that wants the same
 * object gets nameless files of his own, which are gone when he closes them.
 *
 * Ownership: cfs_partial_open() gives the caller descriptors, to
 * cfs_partial_publish() or cfs_partial_close().  Functions here block on the disk;
 * any thread, one at a time for one struct.
 */
#ifndef CACHE_STORE_PARTIAL_H
#define CACHE_STORE_PARTIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "cache/verity/digest.h"

struct cfs_store;
struct cfs_verity_hash;
struct cfs_verity_tree;
struct sparse_bits;

/**
 * struct cfs_partial - the open files
 * @data_fd: the object's blocks, for reading and writing; -1 once published
 * @read_fd: the same file, for reading; stays the object's after publishing
 * @tree_fd: the tree's blocks, for reading and writing
 * @named: they stay when closed
 */
struct cfs_partial {
	int data_fd;
	int read_fd;
	int tree_fd;
	bool named;
};

/**
 * cfs_partial_open() - open or make the files
 * @digest: of the object
 * @size: of the object, bytes
 * @keep: they are to stay when closed; else nameless, and space for the whole
 *	object is reserved
 * @ret: untouched on failure
 *
 * Return: 0, -ENOSPC, -EROFS or what the file system said.
 */
int cfs_partial_open(struct cfs_store *store, const struct cfs_digest *digest,
		     uint64_t size, bool keep, struct cfs_partial *ret);

/**
 * cfs_partial_recheck() - which of the blocks that the files hold are right?
 * @digest: of the object
 * @tree: of its size
 * @hash: means to hash
 * @nodes: gets each block of the tree that is; empty at first
 * @data: gets each block of the object that is; empty at first
 *
 * Reads what the files hold, and no holes.
 *
 * Return: 0 or -errno; what is in the sets is right in any case.
 */
int cfs_partial_recheck(const struct cfs_partial *partial,
			const struct cfs_digest *digest,
			const struct cfs_verity_tree *tree,
			struct cfs_verity_hash *hash, struct sparse_bits *nodes,
			struct sparse_bits *data);

/**
 * cfs_partial_publish() - all blocks are there: it becomes an object
 * @digest: of its bytes, which the caller has checked
 *
 * read_fd stays open.  Return: as cfs_object_publish(); data_fd is closed, and
 * unless it was refused the names are gone and tree_fd is closed.
 */
int cfs_partial_publish(struct cfs_store *store, struct cfs_partial *partial,
			const struct cfs_digest *digest);

/** cfs_partial_close() - close what is open */
void cfs_partial_close(struct cfs_store *store, struct cfs_partial *partial);

/** cfs_partial_exists() - are there files of it? */
bool cfs_partial_exists(const struct cfs_store *store,
			const struct cfs_digest *digest);

/** cfs_partial_remove() - take the names away; whoever has the files keeps them */
void cfs_partial_remove(struct cfs_store *store, const struct cfs_digest *digest);

/**
 * cfs_partial_sweep() - remove files that nobody needs and nobody has open
 * @needed: is this object needed, and not there as a whole?  @missing: its bytes that
 *	are not here yet; UINT64_MAX if only the tree is
 * @dry_run: only count
 * @ret_bytes: the bytes on disk that this frees are added to it
 *
 * Return: 0 or -errno.
 */
int cfs_partial_sweep(struct cfs_store *store,
		      bool (*needed)(void *context,
				     const struct cfs_digest *digest,
				     uint64_t missing),
		      void *context, bool dry_run, uint64_t *ret_bytes);

/** cfs_partial_in_use() - does a process have the files open? */
bool cfs_partial_in_use(const struct cfs_store *store,
			const struct cfs_digest *digest);

/**
 * cfs_partial_evict() - remove the files, unless a process has them open
 * @ret_bytes: the bytes on disk that this frees are added to it
 *
 * Return: 0 (also if they stay, or were not there) or -errno.
 */
int cfs_partial_evict(struct cfs_store *store, const struct cfs_digest *digest,
		      uint64_t *ret_bytes);

/** cfs_partial_parse() - is "partial/..." the path of such a file?  Of which object? */
bool cfs_partial_parse(const char *path, struct cfs_digest *ret);

#endif /* CACHE_STORE_PARTIAL_H */
