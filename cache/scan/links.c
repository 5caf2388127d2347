// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names of one inode.  Which of them is read first depends on the threads, which
 * of them has the inode in the image must not: it is the first one in the order
 * in which a dump lists them (by name, depth first), as readers of images see it.
 */
#include <errno.h>

#include "cache/scan/work.h"

struct scan_inode {
	dev_t dev;
	ino_t ino;
	struct cfs_node *read;		/* the name that was filled */
	struct cfs_node *names;		/* all, chained by ->link_to */
	struct scan_inode *next;
};

static bool inode_equal(const void *item, const void *key)
{
	const struct scan_inode *inode = item;
	const struct stat *st = key;

	return inode->dev == st->st_dev && inode->ino == st->st_ino;
}

/* Numbers of inodes often follow each other: spread them. */
static uint64_t inode_hash(const struct stat *st)
{
	uint64_t hash = (uint64_t)st->st_ino ^ (uint64_t)st->st_dev << 40;

	hash *= 0x9e3779b97f4a7c15;
	return hash ^ hash >> 32;
}

static int note_name(struct scan_worker *worker, struct cfs_node *node,
		     const struct stat *st)
{
	struct scan *scan = worker->scan;
	const uint64_t hash = inode_hash(st);
	struct scan_inode *inode =
		hash_set_find(&scan->inodes, hash, inode_equal, st);

	if (inode) {
		node->link_to = inode->names;
		inode->names = node;
		return 1;
	}
	inode = arena_alloc(&worker->arena, sizeof(*inode));
	if (!inode)
		return -ENOMEM;
	inode->dev = st->st_dev;
	inode->ino = st->st_ino;
	inode->read = inode->names = node;
	inode->next = scan->first_inode;
	scan->first_inode = inode;
	return hash_set_add(&scan->inodes, hash, inode);
}

int scan_link_seen(struct scan_worker *worker, struct cfs_node *node,
		   const struct stat *st)
{
	int ret;

	pthread_mutex_lock(&worker->scan->lock);
	ret = note_name(worker, node, st);
	pthread_mutex_unlock(&worker->scan->lock);
	return ret;
}

static unsigned int depth(const struct cfs_node *node)
{
	unsigned int n = 0;

	for (; node->parent; node = node->parent)
		n++;
	return n;
}

/* Compare by the name where the two paths part. */
static int compare_paths(const struct cfs_node *a, const struct cfs_node *b)
{
	unsigned int a_depth = depth(a), b_depth = depth(b);

	for (; a_depth > b_depth; a_depth--)
		a = a->parent;
	for (; b_depth > a_depth; b_depth--)
		b = b->parent;
	/* Neither holds the other: both are names of files. */
	while (a->parent != b->parent) {
		a = a->parent;
		b = b->parent;
	}
	return cfs_name_compare(a->name, a->name_len, b->name, b->name_len);
}

static void join(struct scan_inode *inode)
{
	struct cfs_node *first = inode->names, *node, *next;
	uint32_t n = 0;

	for (node = inode->names; node; node = node->link_to) {
		if (compare_paths(node, first) < 0)
			first = node;
		n++;
	}
	if (first != inode->read) {
		const struct cfs_node *read = inode->read;

		first->payload = read->payload;
		first->payload_len = read->payload_len;
		first->content = read->content;
		first->content_len = read->content_len;
		first->has_digest = read->has_digest;
		first->digest = read->digest;
		first->xattrs = read->xattrs;
		first->n_xattrs = read->n_xattrs;
		first->xattrs_room = read->xattrs_room;
	}
	for (node = inode->names; node; node = next) {
		next = node->link_to;
		node->link_to = node == first ? NULL : first;
	}
	/* Names outside the tree don't count: the image is of the tree. */
	first->nlink = n;
}

void scan_join_links(struct scan *scan)
{
	struct scan_inode *inode;

	for (inode = scan->first_inode; inode; inode = inode->next)
		join(inode);
}
