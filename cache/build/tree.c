// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache/build/tree.h"

#include <errno.h>
#include <linux/limits.h>
#include <string.h>

#define XATTR_VALUE_MAX	65535
/* What the existing tools count for a node with xattrs, and for each of them. */
#define BUDGET_NODE	12
#define BUDGET_XATTR	7

void cfs_tree_release(struct cfs_tree *tree)
{
	arena_release(&tree->arena);
	tree->root = NULL;
}

struct cfs_node *cfs_node_new(struct arena *arena, const char *name,
			      size_t name_len)
{
	struct cfs_node *node = arena_alloc(arena, sizeof(*node));

	if (!node)
		return NULL;
	node->name = arena_copy(arena, name, name_len);
	if (!node->name)
		return NULL;
	node->name_len = name_len;
	return node;
}

/*
 * Room for one more element of an array in an arena.  The old array stays where
 * it is, unused: doubling keeps the waste below the size of the array.
 */
static void *with_room(struct arena *arena, void *array, uint32_t n,
		       uint32_t *room, size_t element)
{
	uint32_t more = *room ? *room * 2 : 4;
	void *bigger;

	if (n < *room)
		return array;
	bigger = arena_alloc(arena, more * element);
	if (!bigger)
		return NULL;
	if (n)
		memcpy(bigger, array, n * element);
	*room = more;
	return bigger;
}

int cfs_node_add_child(struct arena *arena, struct cfs_node *parent,
		       struct cfs_node *child)
{
	struct cfs_node **children;

	if (parent->n_children >= (uint32_t)1 << 31)
		return -EFBIG;
	children = with_room(arena, parent->children, parent->n_children,
			     &parent->children_room,
			     sizeof(struct cfs_node *));
	if (!children)
		return -ENOMEM;
	parent->children = children;
	children[parent->n_children++] = child;
	child->parent = parent;
	return 0;
}

struct cfs_node_xattr *cfs_node_find_xattr(const struct cfs_node *node,
					   const char *name, size_t name_len)
{
	uint32_t i;

	for (i = 0; i < node->n_xattrs; i++) {
		if (node->xattrs[i].name_len == name_len &&
		    memcmp(node->xattrs[i].name, name, name_len) == 0)
			return &node->xattrs[i];
	}
	return NULL;
}

static int append_xattr(struct arena *arena, struct cfs_node *node,
			struct cfs_node_xattr **ret)
{
	struct cfs_node_xattr *xattrs =
		with_room(arena, node->xattrs, node->n_xattrs,
			  &node->xattrs_room, sizeof(*xattrs));

	if (!xattrs)
		return -ENOMEM;
	node->xattrs = xattrs;
	*ret = &xattrs[node->n_xattrs++];
	return 0;
}

int cfs_node_set_xattr(struct arena *arena, struct cfs_node *node,
		       const char *name, size_t name_len, const void *value,
		       size_t value_len)
{
	struct cfs_node_xattr *xattr;
	const void *value_copy;
	const char *name_copy;
	size_t used;
	int err;

	if (name_len == 0 || name_len > XATTR_NAME_MAX ||
	    value_len > XATTR_VALUE_MAX)
		return -ERANGE;

	xattr = cfs_node_find_xattr(node, name, name_len);
	used = node->xattr_budget_used ? node->xattr_budget_used : BUDGET_NODE;
	if (xattr)
		used -= BUDGET_XATTR + name_len + xattr->value_len;
	used += BUDGET_XATTR + name_len + value_len;
	if (used > CFS_NODE_XATTR_BUDGET)
		return -E2BIG;

	value_copy = arena_copy(arena, value, value_len);
	if (!value_copy)
		return -ENOMEM;
	if (!xattr) {
		name_copy = arena_copy(arena, name, name_len);
		if (!name_copy)
			return -ENOMEM;
		err = append_xattr(arena, node, &xattr);
		if (err)
			return err;
		xattr->name = name_copy;
		xattr->name_len = name_len;
	}
	xattr->value = value_copy;
	xattr->value_len = value_len;
	node->xattr_budget_used = used;
	return 0;
}

int cfs_node_put_xattr(struct arena *arena, struct cfs_node *node,
		       const char *name, const void *value, size_t value_len)
{
	size_t name_len = strlen(name);
	struct cfs_node_xattr *xattr =
		cfs_node_find_xattr(node, name, name_len);
	int err;

	if (!xattr) {
		err = append_xattr(arena, node, &xattr);
		if (err)
			return err;
	}
	xattr->name = name;
	xattr->name_len = name_len;
	xattr->value = value;
	xattr->value_len = value_len;
	return 0;
}

bool cfs_node_deletes(const struct cfs_node *node)
{
	static const char trusted[] = "trusted.overlay.whiteout";
	static const char user[] = "user.overlay.whiteout";

	if (cfs_node_is_whiteout(node))
		return true;
	return S_ISREG(node->mode) && !node->size &&
	       (cfs_node_find_xattr(node, trusted, sizeof(trusted) - 1) ||
		cfs_node_find_xattr(node, user, sizeof(user) - 1));
}

const char *cfs_node_path(const struct cfs_node *node, char *buf, size_t size)
{
	char *start = buf + size - 1;

	*start = '\0';
	if (!node->parent)
		*--start = '/';
	for (; node->parent; node = node->parent) {
		size_t len = node->name_len + 1;

		if ((size_t)(start - buf) < len + 3) {
			start -= 3;
			memcpy(start, "...", 3);
			break;
		}
		start -= len;
		*start = '/';
		memcpy(start + 1, node->name, node->name_len);
	}
	return start;
}
