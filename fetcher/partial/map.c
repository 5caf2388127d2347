// SPDX-License-Identifier: GPL-2.0-or-later
/* What is here of an object and its tree, and what to ask for next. */
#include "fetcher/partial/map.h"

#include <errno.h>
#include <stdlib.h>

#include "cache/base/bitmap.h"

/* Blocks of the tree in one request: those of 32 MiB of the object. */
#define NODES_MOST	64

static int bits_init(struct partial_bits *bits, uint64_t n)
{
	bits->n = n;
	bits->here = bitmap_new(n);
	bits->asked = bitmap_new(n);
	return bits->here && bits->asked ? 0 : -ENOMEM;
}

int partial_map_init(struct partial_map *map, uint64_t size, bool has_tree)
{
	int err;

	*map = (struct partial_map){ .has_tree = has_tree };
	cfs_verity_tree_init(&map->tree, size);
	err = bits_init(&map->bits[PARTIAL_DATA], map->tree.n_data);
	if (err == 0)
		err = bits_init(&map->bits[PARTIAL_NODES], map->tree.n_blocks);
	if (err < 0)
		partial_map_free(map);
	return err;
}

void partial_map_clear(struct partial_map *map)
{
	for (int i = 0; i < 2; i++) {
		struct partial_bits *bits = &map->bits[i];

		bitmap_reset(bits->here, bits->n);
		bitmap_reset(bits->asked, bits->n);
		bits->n_here = 0;
	}
	map->prefix = 0;
}

void partial_map_free(struct partial_map *map)
{
	for (int i = 0; i < 2; i++) {
		free(map->bits[i].here);
		free(map->bits[i].asked);
	}
	*map = (struct partial_map){ .has_tree = false };
}

static void advance_prefix(struct partial_map *map)
{
	const struct partial_bits *data = &map->bits[PARTIAL_DATA];

	while (map->prefix < data->n && bitmap_test(data->here, map->prefix))
		map->prefix++;
}

void partial_map_count(struct partial_map *map)
{
	for (int i = 0; i < 2; i++) {
		struct partial_bits *bits = &map->bits[i];

		bits->n_here = 0;
		for (uint64_t block = 0; block < bits->n; block++)
			bits->n_here += bitmap_test(bits->here, block);
	}
	advance_prefix(map);
}

bool partial_map_has(const struct partial_map *map, uint64_t from, uint64_t to)
{
	if (from < map->prefix)
		from = map->prefix;
	for (; from < to; from++)
		if (!bitmap_test(map->bits[PARTIAL_DATA].here, from))
			return false;
	return true;
}

bool partial_map_whole(const struct partial_map *map)
{
	return map->bits[PARTIAL_DATA].n_here == map->bits[PARTIAL_DATA].n;
}

static bool missing(const struct partial_bits *bits, uint64_t block)
{
	return !bitmap_test(bits->here, block) &&
	       !bitmap_test(bits->asked, block);
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
	       bitmap_test(map->bits[PARTIAL_NODES].here,
			   cfs_verity_tree_block(&map->tree, 0, block));
}

bool partial_map_next(const struct partial_map *map, uint64_t from, uint64_t to,
		      uint64_t most, struct partial_span *ret)
{
	const struct partial_bits *data = &map->bits[PARTIAL_DATA];
	uint64_t block = from < map->prefix ? map->prefix : from, end;

	if (to > data->n)
		to = data->n;
	while (block < to) {
		if (!missing(data, block)) {
			block++;
			continue;
		}
		if (has_leaf(map, block))
			break;
		if (next_node(map, block, to, ret))
			return true;
		/* Its path is on its way: on to the next one's. */
		block = (block / VERITY_HASHES + 1) * VERITY_HASHES;
	}
	if (block >= to)
		return false;
	end = block;
	while (end < to && end - block < most && missing(data, end) &&
	       has_leaf(map, end))
		end++;
	*ret = (struct partial_span){ PARTIAL_DATA, block, end };
	return true;
}

void partial_map_ask(struct partial_map *map, const struct partial_span *span)
{
	for (uint64_t i = span->from; i < span->to; i++)
		bitmap_set(map->bits[span->kind].asked, i);
}

void partial_map_came(struct partial_map *map, const struct partial_span *span)
{
	struct partial_bits *bits = &map->bits[span->kind];

	for (uint64_t i = span->from; i < span->to; i++) {
		bits->n_here += !bitmap_set(bits->here, i);
		bitmap_clear(bits->asked, i);
	}
	advance_prefix(map);
}

void partial_map_failed(struct partial_map *map, const struct partial_span *span)
{
	for (uint64_t i = span->from; i < span->to; i++)
		bitmap_clear(map->bits[span->kind].asked, i);
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
	if (!bitmap_test(nodes->here, above))
		return false;
	above = cfs_verity_tree_parent(&map->tree, span->to - 1, &hash);
	return bitmap_test(nodes->here, above);
}
