/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree that cfs-fetch shows, and the node ids of what is in it.
 *
 *	/<aa>/<62 hex>		objects: LOOKUP answers at once, OPEN waits
 *	/retry/<aa>/<62 hex>	never there: LOOKUP waits until the object is in
 *				the store and answers ESTALE, so that the kernel
 *				walks the path again and finds it there; or, if it is
 *				to be read in parts, the object as in /<aa>/
 *	/.cfs/status.json	counters
 *	/.cfs/metrics		the same for Prometheus
 *
 * A node id says all about a node, so that no table of nodes is needed and a new
 * daemon can serve the nodes of its predecessor:
 *
 *	bit 63	an object, in the allow list or held by it
 *	bit 62	a well-formed name that may not be fetched: it can be looked up,
 *		and opening it fails
 *	low 62	with one of these, the start of the digest
 *	else	small numbers for folders and status files
 *
 * Values only: nothing here allocates.
 */
#ifndef FETCHER_MOUNT_NODE_H
#define FETCHER_MOUNT_NODE_H

#include <stddef.h>
#include <stdint.h>

#include "cache/verity/digest.h"

enum node_kind {
	NODE_NONE,		/* not an id that we gave out */
	NODE_ROOT,
	NODE_STATUS_FOLDER,
	NODE_STATUS_JSON,
	NODE_METRICS,
	NODE_RETRY,
	NODE_FOLDER,		/* value: the first byte of its digests */
	NODE_RETRY_FOLDER,	/* value: likewise */
	NODE_OBJECT,		/* value: 62 bits */
	NODE_REFUSED,		/* value: 62 bits */
	NODE_RETRY_OBJECT,	/* has no id */
};

struct node {
	enum node_kind kind;
	uint64_t value;
};

/** node_id() - the FUSE node id of anything but NONE and RETRY_OBJECT */
uint64_t node_id(struct node node);

/** node_of() - what a node id from the kernel stands for */
struct node node_of(uint64_t id);

/**
 * node_child() - find a name in a folder
 * @folder: where
 * @name: untrusted
 * @ret: the child
 * @ret_digest: of the object, if the child is an OBJECT or RETRY_OBJECT
 *
 * Return: 0, -ENOENT (malformed) or -ENOTDIR.
 */
int node_child(struct node folder, const char *name, struct node *ret,
	       struct cfs_digest *ret_digest);

/**
 * struct node_entry - a name that a folder always has
 */
struct node_entry {
	char name[16];
	struct node node;
};

/**
 * node_entry_at() - the fixed names of a folder
 * @i: from 0
 *
 * The root has 256 folders, retry and .cfs; retry has 256 folders.  Nothing in
 * retry/<aa> is ever listed: whoever stats what he finds (ls -l, find) would
 * fetch every object there is.
 *
 * Return: 0, or -ENOENT behind the last.
 */
int node_entry_at(struct node folder, uint64_t i, struct node_entry *ret);

#endif /* FETCHER_MOUNT_NODE_H */
