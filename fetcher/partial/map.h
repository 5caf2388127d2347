/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which blocks of an object and of its Merkle tree are here, which are on their way,
 * and what to ask for next.
 *
 *	        asked             came, and checked
 *	MISSING -----> ON ITS WAY -----------------> HERE
 *	   ^               |
 *	   +---------------+  the request failed, or brought something else
 *
 * Blocks of the object are asked for only when the lowest block of the tree that
 * vouches for them is here, so that each can be checked when it comes.  Blocks of the
 * tree are asked for along the paths to wanted data, all levels at once.  Without
 * a tree nothing has to come first.
 *
 * Memory and time follow what is here and on its way, not the size of the object, which
 * an image chose.
 *
 * Pure bookkeeping: no I/O.  Ownership: partial_map_init() fills a struct of the
 * caller's, to partial_map_free().  Single-threaded.
 */
#ifndef FETCHER_PARTIAL_MAP_H
#define FETCHER_PARTIAL_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "cache/base/sparse_bits.h"
#include "cache/verity/tree.h"

enum partial_kind {
	PARTIAL_DATA,		/* blocks of the object */
	PARTIAL_NODES,		/* blocks of its tree */
};

/**
 * struct partial_bits - blocks of one kind
 * @here: those that are here
 * @asked: those that are on their way
 */
struct partial_bits {
	struct sparse_bits here;
	struct sparse_bits asked;
};

struct partial_map {
	struct cfs_verity_tree tree;
	bool has_tree;
	struct partial_bits bits[2];	/* by enum partial_kind */
	uint64_t prefix;		/* blocks of the object here, without a gap */
};

/**
 * struct partial_span - blocks in a row
 * @from: the first
 * @to: behind the last
 */
struct partial_span {
	enum partial_kind kind;
	uint64_t from, to;
};

/**
 * partial_map_init() - nothing is here
 * @map: filled in
 * @size: of the object, bytes; at most INT64_MAX
 * @has_tree: it has one that can be fetched
 */
void partial_map_init(struct partial_map *map, uint64_t size, bool has_tree);

/** partial_map_clear() - nothing is here, or on its way */
void partial_map_clear(struct partial_map *map);

/** partial_map_free() - zeroed or initialised */
void partial_map_free(struct partial_map *map);

/** partial_map_loaded() - here was filled from outside */
void partial_map_loaded(struct partial_map *map);

/** partial_map_has() - are these blocks of the object all here? */
bool partial_map_has(const struct partial_map *map, uint64_t from, uint64_t to);

/** partial_map_whole() - is all of the object here? */
bool partial_map_whole(const struct partial_map *map);

/**
 * partial_map_next() - what to ask for, so that these blocks of the object come
 * @from: the first wanted
 * @to: behind the last wanted
 * @most: blocks of the object in one request, at least 1
 * @ret: what to ask for; partial_map_ask() makes it so
 *
 * Return: false if all is here or on its way, or has to wait for what is.
 */
bool partial_map_next(const struct partial_map *map, uint64_t from, uint64_t to,
		      uint64_t most, struct partial_span *ret);

/** partial_map_ask() - it is asked for now; 0, or -ENOMEM and it is not */
int partial_map_ask(struct partial_map *map, const struct partial_span *span);

/** partial_map_came() - it is here, checked; without memory it is as if it had failed */
void partial_map_came(struct partial_map *map, const struct partial_span *span);

/** partial_map_failed() - it does not come */
void partial_map_failed(struct partial_map *map, const struct partial_span *span);

/** partial_map_checkable() - is what vouches for these blocks of the tree here? */
bool partial_map_checkable(const struct partial_map *map,
			   const struct partial_span *span);

#endif /* FETCHER_PARTIAL_MAP_H */
