// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An xattr that two nodes have with the same value is stored once, in the shared
 * area, and referred to; the others stand behind their inode.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "cache/base/hash_set.h"
#include "cache/build/plan.h"
#include "kmod/cfs_format.h"

/* The order is part of the format: the first that fits is taken. */
static const struct {
	const char *prefix;
	uint8_t index;
} prefixes[] = {
	{ "user.", CFS_XATTR_INDEX_USER },
	{ "system.posix_acl_access", CFS_XATTR_INDEX_ACL_ACCESS },
	{ "system.posix_acl_default", CFS_XATTR_INDEX_ACL_DEFAULT },
	{ "trusted.", CFS_XATTR_INDEX_TRUSTED },
	{ "security.", CFS_XATTR_INDEX_SECURITY },
};

uint8_t cfs_xattr_index(const char *name, uint32_t *ret_prefix_len)
{
	size_t i;

	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t len = strlen(prefixes[i].prefix);

		if (strncmp(name, prefixes[i].prefix, len) == 0) {
			*ret_prefix_len = len;
			return prefixes[i].index;
		}
	}
	*ret_prefix_len = 0;
	return CFS_XATTR_INDEX_NONE;
}

uint32_t cfs_xattr_entry_size(const char *name, uint32_t name_len,
			      uint32_t value_len)
{
	uint32_t prefix_len;

	cfs_xattr_index(name, &prefix_len);
	return (sizeof(struct cfs_xattr_entry) + name_len - prefix_len +
		value_len + 3) & ~3U;
}

uint32_t cfs_xattr_filter(const struct cfs_node *node)
{
	uint32_t filter = 0xffffffff, prefix_len, i;

	for (i = 0; i < node->n_xattrs; i++) {
		const struct cfs_node_xattr *xattr = &node->xattrs[i];
		uint8_t index = cfs_xattr_index(xattr->name, &prefix_len);

		filter &= ~(1U << (XXH32(xattr->name + prefix_len,
					 xattr->name_len - prefix_len,
					 CFS_XATTR_FILTER_SEED + index) & 31));
	}
	return filter;
}

static bool pair_equal(const void *item, const void *key)
{
	const struct cfs_xattr_pair *pair = item;
	const struct cfs_node_xattr *xattr = key;

	return pair->name_len == xattr->name_len &&
	       pair->value_len == xattr->value_len &&
	       memcmp(pair->name, xattr->name, pair->name_len) == 0 &&
	       memcmp(pair->value, xattr->value, pair->value_len) == 0;
}

static int count_use(struct hash_set *pairs, struct arena *arena,
		     struct cfs_node_xattr *xattr, uint32_t *n_shared)
{
	uint64_t hash = XXH64(xattr->value, xattr->value_len,
			      XXH64(xattr->name, xattr->name_len, 0));
	struct cfs_xattr_pair *pair =
		hash_set_find(pairs, hash, pair_equal, xattr);

	if (!pair) {
		pair = arena_alloc(arena, sizeof(*pair));
		if (!pair)
			return -ENOMEM;
		pair->name = xattr->name;
		pair->name_len = xattr->name_len;
		pair->value = xattr->value;
		pair->value_len = xattr->value_len;
		if (hash_set_add(pairs, hash, pair))
			return -ENOMEM;
	}
	pair->uses++;
	*n_shared += pair->uses == 2;
	xattr->pair = pair;
	return 0;
}

/* Descending by name, then length, then bytes of the value. */
static int compare_shared(const void *a, const void *b)
{
	const struct cfs_xattr_pair *x = *(struct cfs_xattr_pair *const *)a;
	const struct cfs_xattr_pair *y = *(struct cfs_xattr_pair *const *)b;
	int order = cfs_name_compare(y->name, y->name_len, x->name,
				     x->name_len);

	if (order)
		return order;
	if (x->value_len != y->value_len)
		return x->value_len < y->value_len ? 1 : -1;
	return memcmp(y->value, x->value, x->value_len);
}

static int collect_shared(struct cfs_plan *plan, const struct hash_set *pairs,
			  uint32_t n_shared)
{
	size_t i;

	if (!n_shared)
		return 0;
	plan->shared = calloc(n_shared, sizeof(struct cfs_xattr_pair *));
	if (!plan->shared)
		return -ENOMEM;
	for (i = 0; i < pairs->n_slots; i++) {
		struct cfs_xattr_pair *pair = pairs->slots[i].item;

		if (pair && cfs_xattr_pair_is_shared(pair))
			plan->shared[plan->n_shared++] = pair;
	}
	qsort(plan->shared, plan->n_shared, sizeof(struct cfs_xattr_pair *),
	      compare_shared);
	for (i = 0; i < plan->n_shared; i++) {
		struct cfs_xattr_pair *pair = plan->shared[i];

		pair->offset = plan->shared_size;
		plan->shared_size += cfs_xattr_entry_size(pair->name,
							  pair->name_len,
							  pair->value_len);
	}
	return 0;
}

int cfs_plan_share_xattrs(struct cfs_plan *plan)
{
	struct hash_set pairs = { 0 };
	uint32_t n_shared = 0, i, j;
	int err = 0;

	for (i = 0; i < plan->n_inodes && !err; i++) {
		struct cfs_node *node = plan->inodes[i];

		for (j = 0; j < node->n_xattrs && !err; j++)
			err = count_use(&pairs, &plan->tree->arena,
					&node->xattrs[j], &n_shared);
	}
	if (!err)
		err = collect_shared(plan, &pairs, n_shared);
	hash_set_release(&pairs);
	return err;
}
