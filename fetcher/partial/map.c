// SPDX-License-Identifier: GPL-2.0-or-later
/* What is here of an object and its tree, and what to ask for next. */
#include "fetcher/partial/map.h"

/* Blocks of the tree in one request: those of 32 MiB of the object. */
#define NODES_MOST	64

static void bits_init(struct partial_bits *bits, uint64_t n)
{
	sparse_bits_init(&bits->here, n);
	sparse_bits_init(&bits->asked, n);
}

void partial_map_init(struct partial_map *map, uint64_t size, bool has_tree)
{
	*map = (struct partial_map){ .has_tree = has_tree };
	cfs_verity_tree_init(&map->tree, size);
	bits_init(&map->bits[PARTIAL_DATA], map->tree.n_data);
	bits_init(&map->bits[PARTIAL_NODES], map->tree.n_blocks);
}

void partial_map_clear(struct partial_map *map)
{
	for (int i = 0; i < 2; i++) {
		sparse_bits_free(&map->bits[i].here);
		sparse_bits_free(&map->bits[i].asked);
	}
	map->prefix = 0;
}

void partial_map_free(struct partial_map *map)
{
	partial_map_clear(map);
	*map = (struct partial_map){ .has_tree = false };
}

void partial_map_loaded(struct partial_map *map)
{
	map->prefix = sparse_bits_next_clear(&map->bits[PARTIAL_DATA].here,
					     map->prefix);
}

bool partial_map_has(const struct partial_map *map, uint64_t from, uint64_t to)
{
	if (from < map->prefix)
		from = map->prefix;
	return from >= to ||
	       sparse_bits_next_clear(&map->bits[PARTIAL_DATA].here, from) >= to;
}

bool partial_map_whole(const struct partial_map *map)
{
	return map->bits[PARTIAL_DATA].here.n_set == map->tree.n_data;
}

static bool missing(const struct partial_bits *bits, uint64_t block)
{
	return !sparse_bits_test(&bits->here, block) &&
	       !sparse_bits_test(&bits->asked, block);
}

/* The first block from @from on that is neither here nor on its way. */
static uint64_t next_missing(const struct partial_bits *bits, uint64_t from)
{
	uint64_t next, after;

	for (;; from = after) {
		next = sparse_bits_next_clear(&bits->here, from);
		after = sparse_bits_next_clear(&bits->asked, next);
		if (after == next)
			return next;
	}
}

/* The first one from @from on, itself missing, that is not. */
static uint64_t end_of_missing(const struct partial_bits *bits, uint64_t from)
{
	uint64_t here = sparse_bits_next_set(&bits->here, from);
	uint64_t asked = sparse_bits_next_set(&bits->asked, from);

	return here < asked ? here : asked;
}

/* The highest block of the tree on the way to @block that has to be asked for. */
static bool next_node(const struct partial_map *map, uint64_t block, uint64_t to,
		      struct partial_span *ret)
{
	const struct partial_bits *nodes = &map->bits[PARTIAL_NODES];
	const struct cfs_verity_tree *tree = &map->tree;

	for (unsigned int level = tree->n_levels; level-- > 0;) {
		uint64_t from = cfs_verity_tree_block(tree, level, block);
		uint64_t end = cfs_verity_tree_block(tree, level, to - 1) + 1;
		uint64_t node = from;

		if (!missing(nodes, node))
			continue;
		while (node < end && node < from + NODES_MOST &&
		       missing(nodes, node))
			node++;
		*ret = (struct partial_span){ PARTIAL_NODES, from, node };
		return true;
	}
	return false;
}

static bool has_leaf(const struct partial_map *map, uint64_t block)
{
	return !map->has_tree ||
	       sparse_bits_test(&map->bits[PARTIAL_NODES].here,
				cfs_verity_tree_block(&map->tree, 0, block));
}

/* The first block that another leaf of the tree is for. */
static uint64_t next_leaf(uint64_t block)
{
	return (block / VERITY_HASHES + 1) * VERITY_HASHES;
}

bool partial_map_next(const struct partial_map *map, uint64_t from, uint64_t to,
		      uint64_t most, struct partial_span *ret)
{
	const struct partial_bits *data = &map->bits[PARTIAL_DATA];
	uint64_t block = from < map->prefix ? map->prefix : from, end;

	if (to > map->tree.n_data)
		to = map->tree.n_data;
	while ((block = next_missing(data, block)) < to && !has_leaf(map, block)) {
		if (next_node(map, block, to, ret))
			return true;
		/* Its path is on its way: on to the next one's. */
		block = next_leaf(block);
	}
	if (block >= to)
		return false;
	if (to - block > most)
		to = block + most;
	if (end_of_missing(data, block) < to)
		to = end_of_missing(data, block);
	end = next_leaf(block);
	while (end < to && has_leaf(map, end))
		end = next_leaf(end);
	*ret = (struct partial_span){ PARTIAL_DATA, block, end < to ? end : to };
	return true;
}

int partial_map_ask(struct partial_map *map, const struct partial_span *span)
{
	struct sparse_bits *asked = &map->bits[span->kind].asked;
	int err = sparse_bits_set(asked, span->from, span->to);

	if (err < 0)
		sparse_bits_clear(asked, span->from, span->to);
	return err;
}

void partial_map_came(struct partial_map *map, const struct partial_span *span)
{
	struct partial_bits *bits = &map->bits[span->kind];

	(void)sparse_bits_set(&bits->here, span->from, span->to);
	sparse_bits_clear(&bits->asked, span->from, span->to);
	partial_map_loaded(map);
}

void partial_map_failed(struct partial_map *map, const struct partial_span *span)
{
	sparse_bits_clear(&map->bits[span->kind].asked, span->from, span->to);
}

bool partial_map_checkable(const struct partial_map *map,
			   const struct partial_span *span)
{
	const struct partial_bits *nodes = &map->bits[PARTIAL_NODES];
	unsigned int hash;
	uint64_t above;

	/* It has at most two blocks above it: those of its ends. */
	_Static_assert(NODES_MOST <= VERITY_HASHES, "parents of a span");
	if (span->from == 0)
		return true;
	above = cfs_verity_tree_parent(&map->tree, span->from, &hash);
	if (!sparse_bits_test(&nodes->here, above))
		return false;
	above = cfs_verity_tree_parent(&map->tree, span->to - 1, &hash);
	return sparse_bits_test(&nodes->here, above);
}
