// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What overlayfs needs to see is written as xattrs: a file's object as metacopy
 * and redirect, whiteouts as marked empty files.  What a tree itself has of such
 * xattrs is escaped, so that a mount shows it again.  The root gets 256 stubs,
 * whiteouts named like the folders of an object directory, which hide these from
 * kernels that merge the two.
 */
#include "cache/build/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kmod/cfs_format.h"

#define OVERLAY			"trusted.overlay."
#define OVERLAY_LEN		(sizeof(OVERLAY) - 1)
#define ESCAPED			OVERLAY "overlay."
#define ESCAPED_LEN		(sizeof(ESCAPED) - 1)
#define OVERLAY_METACOPY	OVERLAY "metacopy"
#define OVERLAY_REDIRECT	OVERLAY "redirect"
#define OVERLAY_OPAQUE		OVERLAY "opaque"
#define ESCAPED_WHITEOUT	ESCAPED "whiteout"
#define ESCAPED_WHITEOUTS	ESCAPED "whiteouts"
#define ESCAPED_OPAQUE		ESCAPED "opaque"
#define USER_WHITEOUT		"user.overlay.whiteout"
#define USER_WHITEOUTS		"user.overlay.whiteouts"
#define USER_OPAQUE		"user.overlay.opaque"
#define SELINUX			"security.selinux"
#define ACL_ACCESS		"system.posix_acl_access"
#define ACL_DEFAULT		"system.posix_acl_default"

static int compare_children(const void *a, const void *b)
{
	const struct cfs_node *x = *(struct cfs_node *const *)a;
	const struct cfs_node *y = *(struct cfs_node *const *)b;

	return cfs_name_compare(x->name, x->name_len, y->name, y->name_len);
}

static void sort_children(struct cfs_node *dir)
{
	if (dir->n_children)
		qsort(dir->children, dir->n_children, sizeof(*dir->children),
		      compare_children);
}

static int compare_xattrs(const void *a, const void *b)
{
	const struct cfs_node_xattr *x = a, *y = b;

	return cfs_name_compare(x->name, x->name_len, y->name, y->name_len);
}

/* ---- stubs ---- */

static struct cfs_node *new_stub(struct cfs_tree *tree, const char *name)
{
	const struct cfs_node *root = tree->root;
	const struct cfs_node_xattr *label =
		cfs_node_find_xattr(root, SELINUX, strlen(SELINUX));
	struct cfs_node *stub = cfs_node_new(&tree->arena, name, strlen(name));

	if (!stub)
		return NULL;
	stub->is_stub = true;
	stub->mode = S_IFCHR | 0644;
	stub->nlink = 1;
	stub->uid = root->uid;
	stub->gid = root->gid;
	stub->mtime_sec = root->mtime_sec;
	stub->mtime_nsec = root->mtime_nsec;
	if (label && cfs_node_put_xattr(&tree->arena, stub, label->name,
					label->value, label->value_len))
		return NULL;
	return stub;
}

static int add_stubs(struct cfs_tree *tree)
{
	struct cfs_node *root = tree->root;
	struct cfs_node *missing[CFS_STUBS];
	unsigned int i, n_missing = 0;
	int err;

	sort_children(root);
	for (i = 0; i < CFS_STUBS; i++) {
		static const char digits[] = "0123456789abcdef";
		const char name[] = { digits[i >> 4], digits[i & 15], 0 };
		const struct cfs_node key = { .name = name, .name_len = 2 };
		const struct cfs_node *key_ptr = &key;

		if (root->n_children &&
		    bsearch(&key_ptr, root->children, root->n_children,
			    sizeof(*root->children), compare_children))
			continue;
		missing[n_missing] = new_stub(tree, name);
		if (!missing[n_missing++])
			return -ENOMEM;
	}
	for (i = 0; i < n_missing; i++) {
		err = cfs_node_add_child(&tree->arena, root, missing[i]);
		if (err)
			return err;
	}
	return 0;
}

/* ---- order ---- */

static int append_inode(struct cfs_plan *plan, uint32_t *room,
			struct cfs_node *node)
{
	if (plan->n_inodes == *room) {
		uint32_t more = *room ? *room * 2 : 1024;
		struct cfs_node **bigger =
			*room > UINT32_MAX / 2 ? NULL :
			realloc(plan->inodes, more * sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		plan->inodes = bigger;
		*room = more;
	}
	plan->inodes[plan->n_inodes++] = node;
	return 0;
}

/* Breadth first, in name order.  A hard link's further names have no inode. */
static int put_in_order(struct cfs_plan *plan)
{
	uint32_t room = 0, done, i;
	int err = append_inode(plan, &room, plan->tree->root);

	for (done = 0; !err && done < plan->n_inodes; done++) {
		struct cfs_node *node = plan->inodes[done];

		node->ino = done;
		sort_children(node);
		for (i = 0; !err && i < node->n_children; i++) {
			if (!node->children[i]->link_to)
				err = append_inode(plan, &room,
						   node->children[i]);
		}
	}
	return err;
}

static int choose_version(struct cfs_plan *plan, uint32_t min_version,
			  uint32_t max_version)
{
	uint32_t i;

	if (max_version < min_version)
		max_version = min_version;
	if (max_version > CFS_VERSION_MAX)
		return -EINVAL;
	plan->version = min_version;
	for (i = 0; plan->version < max_version && i < plan->n_inodes; i++) {
		if (!plan->inodes[i]->is_stub &&
		    cfs_node_is_whiteout(plan->inodes[i]))
			plan->version = max_version;
	}
	return 0;
}

/* ---- what overlayfs sees ---- */

static int escape_xattrs(struct arena *arena, struct cfs_node *node)
{
	uint32_t i;

	for (i = 0; i < node->n_xattrs; i++) {
		struct cfs_node_xattr *xattr = &node->xattrs[i];
		uint32_t rest = xattr->name_len - OVERLAY_LEN;
		char *name;

		if (xattr->name_len < OVERLAY_LEN ||
		    memcmp(xattr->name, OVERLAY, OVERLAY_LEN) != 0)
			continue;
		name = arena_alloc(arena, ESCAPED_LEN + rest + 1);
		if (!name)
			return -ENOMEM;
		memcpy(name, ESCAPED, ESCAPED_LEN);
		memcpy(name + ESCAPED_LEN, xattr->name + OVERLAY_LEN, rest);
		xattr->name = name;
		xattr->name_len = ESCAPED_LEN + rest;
	}
	return 0;
}

static int mark_backing(struct arena *arena, struct cfs_node *node)
{
	struct cfs_metacopy *metacopy;
	char *redirect;
	int err;

	if (node->has_digest) {
		metacopy = arena_alloc(arena, sizeof(*metacopy));
		if (!metacopy)
			return -ENOMEM;
		metacopy->len = sizeof(*metacopy);
		metacopy->digest_algo = CFS_METACOPY_SHA256;
		memcpy(metacopy->digest, node->digest.bytes, CFS_DIGEST_LEN);
		err = cfs_node_put_xattr(arena, node, OVERLAY_METACOPY,
					 metacopy, sizeof(*metacopy));
	} else {
		err = cfs_node_put_xattr(arena, node, OVERLAY_METACOPY, "", 0);
	}
	if (err || !node->payload_len)
		return err;

	redirect = arena_alloc(arena, node->payload_len + 1);
	if (!redirect)
		return -ENOMEM;
	redirect[0] = '/';
	memcpy(redirect + 1, node->payload, node->payload_len);
	return cfs_node_put_xattr(arena, node, OVERLAY_REDIRECT, redirect,
				  node->payload_len + 1);
}

static int mark_whiteout(struct arena *arena, struct cfs_node *node,
			 uint32_t version)
{
	struct cfs_node *parent = node->parent;
	int err;

	node->mode = S_IFREG | (node->mode & ~S_IFMT);
	node->size = 0;
	node->content = NULL;
	node->content_len = 0;
	err = cfs_node_put_xattr(arena, node, ESCAPED_WHITEOUT, "", 0);
	if (!err)
		err = cfs_node_put_xattr(arena, node, USER_WHITEOUT, "", 0);
	if (!err)
		err = cfs_node_put_xattr(arena, parent, ESCAPED_WHITEOUTS, "",
					 0);
	if (!err)
		err = cfs_node_put_xattr(arena, parent, USER_WHITEOUTS, "", 0);
	if (err || version < 1)
		return err;
	err = cfs_node_put_xattr(arena, parent, ESCAPED_OPAQUE, "x", 1);
	if (!err)
		err = cfs_node_put_xattr(arena, parent, USER_OPAQUE, "x", 1);
	return err;
}

/* Parents come first, so a parent is escaped before a child marks it. */
static int mark_for_overlay(struct cfs_plan *plan)
{
	struct arena *arena = &plan->tree->arena;
	uint32_t i;
	int err;

	for (i = 0; i < plan->n_inodes; i++) {
		struct cfs_node *node = plan->inodes[i];

		if (node->is_stub)
			continue;
		err = escape_xattrs(arena, node);
		if (!err && S_ISREG(node->mode) && node->size && !node->content)
			err = mark_backing(arena, node);
		if (!err && cfs_node_is_whiteout(node))
			err = mark_whiteout(arena, node, plan->version);
		if (err)
			return err;
	}
	return cfs_node_put_xattr(arena, plan->tree->root, OVERLAY_OPAQUE, "y",
				  1);
}

/* ---- what is counted over all nodes ---- */

static bool is_acl(const struct cfs_node_xattr *xattr)
{
	return strcmp(xattr->name, ACL_ACCESS) == 0 ||
	       strcmp(xattr->name, ACL_DEFAULT) == 0;
}

static void finish_node(struct cfs_plan *plan, struct cfs_node *node)
{
	uint32_t i;

	if (node->mtime_sec < plan->base_sec ||
	    (node->mtime_sec == plan->base_sec &&
	     node->mtime_nsec < plan->base_nsec)) {
		plan->base_sec = node->mtime_sec;
		plan->base_nsec = node->mtime_nsec;
	}
	if (S_ISDIR(node->mode)) {
		node->nlink = 2;
		for (i = 0; i < node->n_children; i++)
			node->nlink += !node->children[i]->link_to &&
				       S_ISDIR(node->children[i]->mode);
	}
	if (node->n_xattrs > 1)
		qsort(node->xattrs, node->n_xattrs, sizeof(*node->xattrs),
		      compare_xattrs);
	for (i = 0; i < node->n_xattrs; i++)
		plan->has_acl |= is_acl(&node->xattrs[i]);
}

int cfs_plan_prepare(struct cfs_plan *plan, struct cfs_tree *tree,
		     uint32_t min_version, uint32_t max_version)
{
	uint32_t i;
	int err;

	plan->tree = tree;
	err = add_stubs(tree);
	if (!err)
		err = put_in_order(plan);
	if (!err)
		err = choose_version(plan, min_version, max_version);
	if (!err)
		err = mark_for_overlay(plan);
	if (err)
		return err;
	plan->base_sec = tree->root->mtime_sec;
	plan->base_nsec = tree->root->mtime_nsec;
	for (i = 0; i < plan->n_inodes; i++)
		finish_node(plan, plan->inodes[i]);
	return 0;
}

void cfs_plan_release(struct cfs_plan *plan)
{
	free(plan->inodes);
	free(plan->shared);
	*plan = (struct cfs_plan){ 0 };
}
