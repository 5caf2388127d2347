/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of a body, what its files share:
 *
 *	body.c		on the loop's thread: from the first byte to done
 *	body_job.c	on a pool thread: hash, check, stage, publish
 *	bodies.c		what all bodies have in common
 *
 * While @working, hash, fd, to_hash and job_err are the job's.
 */
#ifndef FETCHER_INGEST_INTERNAL_H
#define FETCHER_INGEST_INTERNAL_H

#include <sys/queue.h>

#include "fetcher/ingest/write.h"
#include "cache/verity/hash.h"
#include "fetcher/ingest/chunks.h"
#include "fetcher/ingest/body.h"
#include "fetcher/loop/loop.h"
#include "fetcher/ingest/batch.h"

struct fetch_bodies {
	struct loop *loop;
	struct cfs_store *store;
	struct chunk_pool *pool;
	LIST_HEAD(, fetch_body) idle;	/* with their hashes, to be used again */
	size_t n_live;
	bool in_batches;
	struct publish_batch batch;
	void (*changed)(void *context);
	void *context;
};

/* What the job on the pool thread is to do. */
enum body_job {
	BODY_HASH,		/* n_hash chunks; stage first, if not done yet */
	BODY_PUBLISH,		/* all is hashed and written; with batches, check */
	BODY_WHOLE,		/* one chunk that is the whole object, likewise */
};

struct fetch_body {
	struct fetch_bodies *bodies;
	LIST_ENTRY(fetch_body) entry;
	const struct fetch_body_calls *calls;	/* NULL: dropped */
	void *context;
	bool expects;			/* digest is what it must have */
	struct cfs_digest digest;
	uint64_t size;
	uint64_t received;

	struct chunk *filling;
	struct chunk_list chunks;	/* full ones, oldest first */
	struct chunk *to_hash, *to_write;	/* of chunks, or NULL */
	struct chunk_waiter waiter;
	struct loop_deferred soon;	/* resume, or go on after a failure */

	struct cfs_verity_hash *hash;
	struct cfs_object_write write;
	unsigned int n_write;		/* chunks, from to_write on */
	struct loop_op op;
	int fd;				/* -1: none; the first job's until staged */
	bool staged;

	struct loop_work work;
	enum body_job job;
	size_t n_hash;			/* chunks, from to_hash on */
	struct publish_item item;	/* in a batch; working as long */
	bool working;			/* the job owns hash and job_err */
	bool finishing;			/* body_finish() was called */
	int job_err;
	int err;			/* first failure */
};

/** body_job_run() - its job, on a pool thread; sets job_err */
void body_job_run(struct loop_work *work);

#endif /* FETCHER_INGEST_INTERNAL_H */
