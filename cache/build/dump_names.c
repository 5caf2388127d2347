// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache/build/dump_names.h"

#include <string.h>
#include <xxhash.h>

#include "cache/build/dump_field.h"
#include "cache/build/tree.h"
#include "kmod/cfs_format.h"

/* A name whose target is looked up when all lines are known. */
struct dump_link {
	struct cfs_node *node;
	struct dump_field target;
	uint64_t line;
	struct dump_link *next;
};

void dump_names_init(struct dump_names *names, struct cfs_tree *tree)
{
	*names = (struct dump_names){ .tree = tree };
	names->links_end = &names->links;
}

void dump_names_release(struct dump_names *names)
{
	hash_set_release(&names->nodes);
}

struct name_key {
	const struct cfs_node *parent;
	const char *name;
	size_t len;
};

static bool name_equal(const void *item, const void *key)
{
	const struct cfs_node *node = item;
	const struct name_key *name = key;

	return node->parent == name->parent && node->name_len == name->len &&
	       memcmp(node->name, name->name, name->len) == 0;
}

static uint64_t name_hash(const struct name_key *key)
{
	return XXH64(key->name, key->len, (uintptr_t)key->parent);
}

static struct cfs_node *find_child(const struct dump_names *names,
				   const struct cfs_node *parent,
				   const char *name, size_t len)
{
	struct name_key key = { parent, name, len };

	return hash_set_find(&names->nodes, name_hash(&key), name_equal,
			     &key);
}

static int add_child(struct dump_names *names, struct cfs_node *parent,
		     struct cfs_node *node)
{
	struct name_key key = { parent, node->name, node->name_len };
	int err = cfs_node_add_child(&names->tree->arena, parent, node);

	return err ? err : hash_set_add(&names->nodes, name_hash(&key), node);
}

/* Cut the first component off a path; slashes before it don't count. */
static struct dump_field next_component(struct dump_field *path)
{
	struct dump_field name;
	const char *slash;

	while (path->len && path->text[0] == '/') {
		path->text++;
		path->len--;
	}
	name = *path;
	slash = memchr(path->text, '/', path->len);
	if (slash)
		name.len = slash - path->text;
	path->text += name.len;
	path->len -= name.len;
	return name;
}

int dump_names_make(struct dump_names *names, const struct dump_place *at,
		    const struct dump_field *path, struct cfs_node **ret)
{
	struct cfs_node *parent = names->tree->root, *node;
	struct dump_field rest = *path, name;

	if (!path->len)
		return bad_line(at, "the path is empty");
	if (memchr(path->text, 0, path->len))
		return bad_line(at, "the path has a NUL byte");

	if (path->len == 1 && path->text[0] == '/') {
		if (parent)
			return bad_line(at, "a second root");
		node = cfs_node_new(&names->tree->arena, "", 0);
		if (!node)
			return -ENOMEM;
		names->tree->root = node;
		*ret = node;
		return 0;
	}

	if (!parent)
		return bad_line(at, "the first line must be the root, /");
	for (name = next_component(&rest); rest.len;
	     name = next_component(&rest)) {
		parent = find_child(names, parent, name.text, name.len);
		if (!parent)
			return bad_line(at, "no line before is the parent directory of %.*s",
					(int)path->len, path->text);
		if (parent->link_to || !S_ISDIR(parent->mode))
			return bad_line(at, "the parent of %.*s is not a directory",
					(int)path->len, path->text);
	}
	if (!name.len)
		return bad_line(at, "the path has no last name");
	if (name.len > CFS_NAME_MAX)
		return bad_line(at, "the name is longer than %d bytes",
				CFS_NAME_MAX);
	if (name.text[0] == '.' &&
	    (name.len == 1 || (name.len == 2 && name.text[1] == '.')))
		return bad_line(at, "the name is . or ..");
	if (find_child(names, parent, name.text, name.len))
		return bad_line(at, "%.*s was there before",
				(int)path->len, path->text);

	node = cfs_node_new(&names->tree->arena, name.text, name.len);
	if (!node)
		return -ENOMEM;
	*ret = node;
	return add_child(names, parent, node);
}

/* Until the end, ->link_to says only that this is a link. */
int dump_names_link(struct dump_names *names, const struct dump_place *at,
		    struct cfs_node *node, const struct dump_field *target)
{
	struct dump_link *link =
		arena_alloc(&names->tree->arena, sizeof(*link));

	if (!link)
		return -ENOMEM;
	link->target.text = arena_copy(&names->tree->arena, target->text,
				       target->len);
	if (!link->target.text)
		return -ENOMEM;
	link->target.len = target->len;
	link->node = node;
	link->line = at->line;
	node->link_to = node;
	*names->links_end = link;
	names->links_end = &link->next;
	names->n_links++;
	return 0;
}

static int find_target(const struct dump_names *names,
		       const struct dump_link *link, struct errmsg *msg)
{
	const struct dump_place at = { link->line, msg };
	struct cfs_node *target = names->tree->root;
	struct dump_field rest = link->target, name;

	for (name = next_component(&rest); name.len;
	     name = next_component(&rest)) {
		target = find_child(names, target, name.text, name.len);
		if (!target)
			return bad_line(&at, "no line is the hard link's target %s",
					link->target.text);
	}
	if (!target->link_to && S_ISDIR(target->mode))
		return bad_line(&at, "the hard link's target %s is a directory",
				link->target.text);
	link->node->link_to = target;
	return 0;
}

/*
 * Let a link lead to a node with an inode.  The chain to it is shortened, so that
 * all links together are followed in linear time.
 */
static int follow(const struct dump_names *names, const struct dump_link *link,
		  struct errmsg *msg)
{
	const struct dump_place at = { link->line, msg };
	struct cfs_node *end = link->node->link_to, *node, *next;
	uint64_t steps;

	for (steps = 0; end->link_to; end = end->link_to) {
		if (++steps > names->n_links)
			return bad_line(&at, "the hard link leads back to itself");
	}
	for (node = link->node; node->link_to != end; node = next) {
		next = node->link_to;
		node->link_to = end;
	}
	if (cfs_node_deletes(end))
		return bad_line(&at, "the hard link's target %s is a whiteout: each name needs one of its own, or only one folder would hide it",
				link->target.text);
	return 0;
}

int dump_names_resolve_links(struct dump_names *names, struct errmsg *msg)
{
	const struct dump_link *link;
	int err = 0;

	for (link = names->links; link && !err; link = link->next)
		err = find_target(names, link, msg);
	for (link = names->links; link && !err; link = link->next)
		err = follow(names, link, msg);
	return err;
}
