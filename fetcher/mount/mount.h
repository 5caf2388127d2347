/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The objects as a FUSE mount; node.h has the tree.
 *
 *	file		answers
 *	lookup.c	LOOKUP, FORGET, GETATTR, STATFS
 *	open.c	OPEN, READ, RELEASE
 *	partial.c	the same for objects that are not whole yet
 *	readdir.c	READDIR
 *	mount.c	mounting, the session on the loop, its end
 *
 * Nothing here caches an error, and nothing an entry has ever changes, so entries
 * and attributes are the kernel's to keep: with the daemon gone, stat() still
 * works.  FUSE passthrough is never negotiated: it would cost a stacking level.
 *
 * Ownership: fuse_mount_new() gives the caller a mount to fuse_mount_free(); all
 * it is made of is borrowed.  Everything runs on the loop's thread.
 */
#ifndef FETCHER_MOUNT_MOUNT_H
#define FETCHER_MOUNT_MOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/errmsg.h"
#include "cache/verity/digest.h"

struct allow_scan;
struct cfs_store;
struct fetcher;
struct fuse_mount;
struct loop;

/* What the kernel asked for, and what came of it; all but gauges only grow. */
struct fuse_mount_stats {
	uint64_t lookups;	/* of objects, both trees */
	uint64_t opens;		/* of objects */
	uint64_t hits;		/* opens of what the store had */
	uint64_t misses;	/* opens and lookups in retry/ of what it had not */
	uint64_t repeats;	/* lookups in retry/ of what it had: after a miss */
	uint64_t damaged;	/* misses because what it had was not the object */
	uint64_t refused;	/* digests that no image names */
	uint64_t failed;	/* answered with an error after a miss */
	uint64_t read_bytes;	/* read through FUSE */
	uint64_t n_waiting;	/* gauge */
	uint64_t oldest_ms;	/* gauge: how long the oldest has been waiting */
	uint64_t interrupts;	/* FUSE_INTERRUPT for those who waited */
	uint64_t gone;		/* who died waiting */
};

enum fuse_mount_text {
	FUSE_MOUNT_STATUS_JSON,
	FUSE_MOUNT_METRICS,
};

/**
 * struct fuse_mount_config - how to mount
 * @mountpoint: an existing folder, or /dev/fd/N: a descriptor of /dev/fuse that is
 *	mounted already, and ours from here on
 * @allow_other: users other than ours may use it
 * @any: digests that no image names are fetched too
 * @partial_reads: large objects are opened before they are whole, if a mirror has
 *	their trees.  Not for who needs the whole in the store when OPEN returns:
 *	composefs.ko with other object directories, anything with verity_check
 * @text: makes the content of a status file: owned by the caller afterwards
 * @ended: called once, when the kernel has ended the mount (umount)
 * @context: for @text and @ended
 */
struct fuse_mount_config {
	const char *mountpoint;
	bool allow_other;
	bool any;
	bool partial_reads;
	int (*text)(void *context, enum fuse_mount_text which, char **ret,
		    size_t *ret_len);
	void (*ended)(void *context);
	void *context;
};

/**
 * fuse_mount_is_descriptor() - is this "/dev/fd/N": /dev/fuse, opened and mounted by
 *	the process that started this one?
 */
bool fuse_mount_is_descriptor(const char *mountpoint);

/**
 * fuse_mount_new() - mount and start to answer from the loop
 * @loop: borrowed, as all below
 * @store: where objects are
 * @fetcher: gets them there
 * @scan: what may be fetched
 * @config: copied
 * @ret: owned by the caller; untouched on failure
 * @msg: why not, if there is more to say than the -errno
 *
 * Return: 0, -ENOMEM, -EPERM (not root), -EIO (libfuse's reason is logged) or
 * -errno.
 */
int fuse_mount_new(struct loop *loop, struct cfs_store *store,
		   struct fetcher *fetcher, struct allow_scan *scan,
		   const struct fuse_mount_config *config,
		   struct fuse_mount **ret, struct errmsg *msg);

/**
 * fuse_mount_unmount() - take the mount off its folder, if it is still there
 *
 * Nothing is answered any more.
 */
void fuse_mount_unmount(struct fuse_mount *mount);

/** fuse_mount_free() - all waits were answered (fetcher_stop()); NULL is allowed */
void fuse_mount_free(struct fuse_mount *mount);

/** fuse_mount_stats() - counters as of now */
void fuse_mount_stats(const struct fuse_mount *mount,
		      struct fuse_mount_stats *ret);

#endif /* FETCHER_MOUNT_MOUNT_H */
