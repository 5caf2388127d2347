/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the fuse_*.c files share.  The mount owns its session and waits; all
 * else is borrowed.  Everything runs on the loop's thread.
 */
#ifndef FETCHER_MOUNT_INTERNAL_H
#define FETCHER_MOUNT_INTERNAL_H

#include <fuse_lowlevel.h>

#include "cache/base/log.h"
#include "fetcher/allow/scan.h"
#include "fetcher/mount/mount.h"
#include "fetcher/mount/node.h"
#include "fetcher/loop/loop.h"
#include "fetcher/mount/wait.h"

struct fuse_mount {
	struct loop *loop;
	struct cfs_store *store;
	struct fetcher *fetcher;
	struct allow_scan *scan;
	struct allow_list *allow;	/* of the scan */
	struct fuse_mount_config config;
	char *mountpoint;
	dev_t dev;			/* 0: nothing there for us to unmount */
	struct fuse_session *session;
	struct fuse_buf buf;		/* libfuse's, for requests */
	struct loop_fd device;
	struct object_waits waits;
	struct fuse_mount_stats stats;
	struct log_limit log_refused;
	struct log_limit log_damaged;
	bool ended;
};

/* Seconds that the kernel may keep what never changes: longer than it lives. */
#define FUSE_FOREVER	1e9

static inline struct fuse_mount *mount_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

/* ---- lookup.c ---- */

void fuse_answer_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void fuse_answer_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n);
void fuse_answer_forget_multi(fuse_req_t req, size_t count,
			      struct fuse_forget_data *forgets);
void fuse_answer_getattr(fuse_req_t req, fuse_ino_t ino,
			 struct fuse_file_info *fi);
void fuse_answer_statfs(fuse_req_t req, fuse_ino_t ino);

/** fuse_object_find() - the entry of an allowed digest, after a rescan if need be */
struct allow_entry *fuse_object_find(struct fuse_mount *mount,
				     const struct cfs_digest *digest);

/** fuse_object_refused() - count and log a digest that no image names */
void fuse_object_refused(struct fuse_mount *mount, const char *hex);

enum {
	FUSE_OBJECT_MISS = 1,	/* has to be fetched */
};

/**
 * fuse_object_check() - does the store have this object, whole and right?
 * @entry: its sizes; NULL for any.  Found again after a miss, because images may
 *	have come, and entries with them
 *
 * Counts misses, and logs what is damaged or can't be looked at.
 *
 * Return: 0, FUSE_OBJECT_MISS, or -EIO: the store can't be read there.
 */
int fuse_object_check(struct fuse_mount *mount, const struct cfs_digest *digest,
		      struct allow_entry **entry);

/** fuse_object_fetched() - count an object that came; a wait of it is over */
void fuse_object_fetched(struct fuse_mount *mount,
			 const struct cfs_digest *digest);

/**
 * fuse_object_other_size() - with which size could a fetch that failed succeed?
 * @wait: which is over
 * @err: how it ended
 *
 * Return: that of the entry, if it has changed since the fetch began; else that of
 * @wait.
 */
uint64_t fuse_object_other_size(struct fuse_mount *mount,
				const struct object_wait *wait, int err);

/* ---- open.c ---- */

void fuse_answer_open(fuse_req_t req, fuse_ino_t ino,
		      struct fuse_file_info *fi);
void fuse_answer_read(fuse_req_t req, fuse_ino_t ino, size_t size,
		      off_t offset, struct fuse_file_info *fi);
void fuse_answer_release(fuse_req_t req, fuse_ino_t ino,
			 struct fuse_file_info *fi);

/** fuse_reply_file() - answer a READ with what a file has there */
void fuse_reply_file(fuse_req_t req, int fd, size_t size, off_t offset);

/* ---- readdir.c ---- */

void fuse_answer_readdir(fuse_req_t req, fuse_ino_t ino, size_t size,
			 off_t offset, struct fuse_file_info *fi);

#endif /* FETCHER_MOUNT_INTERNAL_H */
