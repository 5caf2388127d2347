/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names of a dump: a PATH becomes a node in its parent, the target of a hard
 * link is looked up when all lines are known, since it may come later.
 *
 * Ownership: nodes belong to the tree; dump_names_release() frees the rest.
 */
#ifndef CACHE_BUILD_DUMP_NAMES_H
#define CACHE_BUILD_DUMP_NAMES_H

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>

#include "cache/base/errmsg.h"
#include "cache/base/hash_set.h"

struct cfs_node;
struct cfs_tree;
struct dump_field;
struct dump_link;

/* Where in a dump we are, and whom to tell what is wrong there. */
struct dump_place {
	uint64_t line;			/* from 1 */
	struct errmsg *msg;
};

#define bad_line(place, format, ...)					\
	errmsg_set((place)->msg, -EINVAL, "line %" PRIu64 ": " format,	\
		   (place)->line, ##__VA_ARGS__)

struct dump_names {
	struct cfs_tree *tree;
	struct hash_set nodes;		/* all but the root */
	struct dump_link *links;	/* in the order of their lines */
	struct dump_link **links_end;
	uint64_t n_links;
};

void dump_names_init(struct dump_names *names, struct cfs_tree *tree);
void dump_names_release(struct dump_names *names);

/**
 * dump_names_make() - make the node that a line is about
 * @path: unescaped; the line's parent directory must have been made before
 *
 * Return: 0, -EINVAL or -ENOMEM.
 */
int dump_names_make(struct dump_names *names, const struct dump_place *at,
		    const struct dump_field *path, struct cfs_node **ret);

/**
 * dump_names_link() - let a node be a further name of another one
 * @node: from dump_names_make()
 * @target: path of the other, unescaped, without NUL bytes; copied
 *
 * Return: 0 or -ENOMEM.
 */
int dump_names_link(struct dump_names *names, const struct dump_place *at,
		    struct cfs_node *node, const struct dump_field *target);

/**
 * dump_names_resolve_links() - find the target of every link
 *
 * Return: 0 or -EINVAL.
 */
int dump_names_resolve_links(struct dump_names *names, struct errmsg *msg);

#endif /* CACHE_BUILD_DUMP_NAMES_H */
