/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A directory read into a tree, by several threads; its files hashed and, if
 * asked for, put into a store.
 *
 * Nothing is followed: symlinks are symlinks, devices and FIFOs are not opened.
 * Mount points are crossed unless CFS_SCAN_ONE_FILE_SYSTEM is given.  What changes while it is read ends the scan, since
 * the image would be of a tree that never was.
 *
 * Ownership: options, counters and store are borrowed for the duration of the
 * call; the tree is the caller's.
 */
#ifndef CACHE_SCAN_SCAN_H
#define CACHE_SCAN_SCAN_H

#include <stdatomic.h>
#include <stdint.h>

struct cfs_store;
struct cfs_tree;
struct errmsg;

/* Files of up to so many bytes are kept in the image. */
#define CFS_SCAN_INLINE_MAX	64

enum {
	CFS_SCAN_EPOCH = 1 << 0,	/* every mtime is 1970 */
	CFS_SCAN_CLAMP = 1 << 1,	/* no mtime is after ->newest */
	CFS_SCAN_SKIP_DEVICES = 1 << 2,	/* without character and block devices */
	CFS_SCAN_SKIP_XATTRS = 1 << 3,
	CFS_SCAN_USER_XATTRS = 1 << 4,	/* of xattrs only user.* */
	CFS_SCAN_ONE_FILE_SYSTEM = 1 << 6,	/* folders of others are empty */
	CFS_SCAN_HARD_LINKS = 1 << 5,	/* names of one inode stay one inode */
};

struct cfs_scan_options {
	unsigned int flags;		/* CFS_SCAN_* */
	unsigned int threads;		/* at least 1 */
	int64_t newest;			/* for CFS_SCAN_CLAMP, in seconds */
	struct cfs_store *store;	/* where objects go; NULL: nowhere */
};

/* What has been done so far; may be read by other threads meanwhile. */
struct cfs_scan_counters {
	_Atomic uint64_t files;		/* regular files, all names */
	_Atomic uint64_t bytes;		/* in them */
	_Atomic uint64_t objects;	/* different objects */
	_Atomic uint64_t object_bytes;
	_Atomic uint64_t new_objects;	/* those that the store had not */
	_Atomic uint64_t new_bytes;
};

/**
 * cfs_scan() - read a directory into a tree
 * @path: the directory; a symlink to one is followed
 * @counters: zeros; counted up
 * @tree: an empty tree; on failure it must still be released
 * @msg: names the file that is the reason; may be NULL
 *
 * With a store, all objects are in it, sealed, when this returns 0; their names
 * are not durable before cfs_store_sync().  After a failure the store may have
 * objects more than before, each of them whole.
 *
 * Needs a descriptor per thread for each level of the tree, and up to 512 per
 * thread for objects.
 *
 * Return: 0; -ESTALE if something changed while it was read; -E2BIG if a file's
 * xattrs are too large for the format; -ENOMEM; -EMFILE; or what a system call
 * said, first of all -EACCES.
 */
int cfs_scan(const char *path, const struct cfs_scan_options *options,
	     struct cfs_scan_counters *counters, struct cfs_tree *tree,
	     struct errmsg *msg);

#endif /* CACHE_SCAN_SCAN_H */
