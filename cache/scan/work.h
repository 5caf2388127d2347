/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the directory scan share, and nobody else:
 *
 *	scan.c	threads, and the stack of work they take from
 *	dir.c	a directory: its entries become nodes and work
 *	file.c	a regular file: read, hashed, put into the store
 *	into_store.c	objects on their way into the store, in batches
 *	xattrs.c	the xattrs of any file
 *	links.c	names that are one inode
 *
 * Ownership: nodes belong to the tree; a node's fields are written by the one
 * thread that has it as its work.  All else is said at the field.
 */
#ifndef CACHE_SCAN_WORK_H
#define CACHE_SCAN_WORK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "cache/base/arena.h"
#include "cache/base/hash_set.h"
#include "cache/verity/digest.h"
#include "cache/scan/scan.h"
#include "cache/build/tree.h"

struct cfs_verity_hash;

/* An open directory, for as long as one of its entries is still to be opened. */
struct scan_dir {
	int fd;
	atomic_uint refs;
	struct cfs_node *node;
};

/* Some entries of one directory that are all to be done alike. */
struct scan_task {
	struct scan_task *below;
	struct scan_dir *dir;		/* a reference */
	bool are_dirs;			/* or else regular files */
	struct cfs_node **nodes;
	size_t n_nodes;
};

/* What a worker takes from a task at a time. */
struct scan_piece {
	struct scan_dir *dir;		/* a reference, the worker's */
	bool are_dirs;
	struct cfs_node **nodes;
	size_t n_nodes;
};

struct scan {
	const struct cfs_scan_options *options;
	struct cfs_scan_counters *counters;
	const char *path;
	struct errmsg *msg;
	size_t keep_max;		/* bytes of a file that a worker keeps */
	unsigned int batch_max;		/* objects that a worker stages */
	dev_t dev;			/* of the root */
	atomic_bool no_reflink;		/* the store is on another file system */

	pthread_mutex_t lock;		/* protects what follows */
	pthread_cond_t changed;		/* work came, or the end */
	struct scan_task *stack;
	unsigned int working;		/* threads that may bring more work */
	int err;			/* the first failure: everybody stops */
	struct hash_set claims;		/* objects that some worker has seen to */
	struct hash_set inodes;		/* struct scan_inode by device and number */
	struct scan_inode *first_inode;
};

/* Objects that are written but not yet published; see into_store.c. */
struct scan_batch {
	int *fds;			/* staged; room for scan->batch_max */
	struct cfs_digest *digests;
	unsigned int n;
	uint64_t bytes;
};

struct scan_worker {
	struct scan *scan;
	pthread_t thread;
	struct arena arena;		/* goes to the tree in the end */
	struct cfs_verity_hash *hash;
	struct scan_batch batch;
	bool expects_new;		/* the last object was new to the store */
	char *bytes;			/* of the file; at least SCAN_READ_SIZE */
	size_t bytes_room;
	char *list;			/* scratch: xattr names or entries */
	char *value;			/* scratch: an xattr's value */
	struct cfs_node **found;	/* scratch: of one directory */
	size_t n_found;
	size_t found_room;
};

/*
 * Files are read in pieces of so many bytes: they stay in the processor's second
 * cache until they are hashed; pieces of 256 KiB cost a third more.
 */
#define SCAN_READ_SIZE	((size_t)64 << 10)
#define SCAN_LIST_SIZE	((size_t)64 << 10)
#define SCAN_VALUE_SIZE	((size_t)64 << 10)

/**
 * scan_fail() - say which file is the reason
 * @node: the file
 * @err: the -errno
 *
 * Return: @err.
 */
int scan_fail(struct scan_worker *worker, const struct cfs_node *node, int err);

/** scan_fail_why() - the same, with other words than strerror()'s */
int scan_fail_why(struct scan_worker *worker, const struct cfs_node *node,
		  int err, const char *why);

/** scan_fail_store() - say that the store is the reason; return @err */
int scan_fail_store(struct scan_worker *worker, int err);

/* ---- scan.c ---- */

/**
 * scan_push() - let any worker do this
 * @dir: gets a reference more
 * @nodes: copied
 *
 * Return: 0 or -ENOMEM.
 */
int scan_push(struct scan_worker *worker, struct scan_dir *dir, bool are_dirs,
	      struct cfs_node *const *nodes, size_t n_nodes);

void scan_dir_put(struct scan_dir *dir);

/* ---- dir.c ---- */

/** scan_directory() - a directory: fill its node, push its entries */
int scan_directory(struct scan_worker *worker, int parent_fd, const char *name,
		   struct cfs_node *node);

/** scan_set_inode() - the fields of a node that stat() knows */
void scan_set_inode(const struct scan *scan, struct cfs_node *node,
		    const struct stat *st);

/* ---- file.c ---- */

/** scan_file() - a regular file: fill its node, see to its object */
int scan_file(struct scan_worker *worker, const struct scan_dir *dir,
	      struct cfs_node *node);

/** scan_unchanged() - do two looks at a file show the same? */
bool scan_unchanged(const struct stat *before, const struct stat *after);

/* ---- into_store.c ---- */

/**
 * scan_store_snapshot() - a staged file that shares a file's blocks, to be hashed
 * instead of it
 * @fd: the file
 * @size: it must have, bytes
 * @ret_fd: for scan_store_object() or cfs_object_discard(); -1 if blocks can't be
 *	shared, or if the store will probably turn out to have the object
 *
 * Return: 0, -ESTALE if the file changed, or -errno.
 */
int scan_store_snapshot(struct scan_worker *worker, int fd, uint64_t size,
			int *ret_fd);

/**
 * scan_store_object() - see that the store has, or will have, a file's bytes
 * @fd: the file
 * @snapshot_fd: from scan_store_snapshot(), and it is what was hashed; consumed;
 *	-1 if the file itself was
 * @size: of the file, bytes
 * @bytes: all its bytes, NULL if they were not kept
 * @digest: of what was hashed
 *
 * Return: 0, -ESTALE if the file changed, or -errno.
 */
int scan_store_object(struct scan_worker *worker, int fd, int snapshot_fd,
		      uint64_t size, const char *bytes,
		      const struct cfs_digest *digest);

/** scan_store_flush() - publish what is staged; 0 or -errno */
int scan_store_flush(struct scan_worker *worker);

/** scan_store_discard() - forget what is staged */
void scan_store_discard(struct scan_worker *worker);

/* ---- xattrs.c ---- */

/**
 * scan_xattrs() - copy a file's xattrs into its node
 * @fd: the file, or its directory
 * @name: inside the directory; NULL if @fd is the file
 */
int scan_xattrs(struct scan_worker *worker, int fd, const char *name,
		struct cfs_node *node);

/* ---- links.c ---- */

struct scan_inode;

/**
 * scan_link_seen() - take note of a name of an inode that has several
 *
 * Return: 0 if it is the first: the caller must fill the node; 1 if another name
 * has been seen: nothing is left to do; or -ENOMEM.
 */
int scan_link_seen(struct scan_worker *worker, struct cfs_node *node,
		   const struct stat *st);

/** scan_join_links() - when all is read: let one name have the inode */
void scan_join_links(struct scan *scan);

#endif /* CACHE_SCAN_WORK_H */
