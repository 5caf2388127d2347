/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes of one object on their way from the network into the store.
 *
 *	bytes --> chunk being filled --> full chunks --+--> hashed, in order --+--> back
 *	                                               |    (a pool thread)    |    to the
 *	                                               +--> written, in order -+    pool
 *	                                                    (the ring)
 *
 * An object that fits one chunk takes a short cut: when its last byte is there,
 * one job on a pool thread hashes it, compares, stages, writes and publishes.
 * The stations of the long way (stage, write, hash, publish) would cost it four
 * trips between threads instead of one; the file system's own work on a small
 * file is less than that.  Buffered writes through the ring are done by a kernel
 * thread on most file systems anyway.
 *
 * Jobs of one body never overlap, neither do its writes; chunks go back when
 * both have seen them.  Nothing gets a name whose digest is not the expected one.
 *
 * Ownership: fetch_bodies_new() gives the caller the means to make bodies, to
 * fetch_bodies_free() when none is live.  body_new() gives the caller a body,
 * which ends with body_drop(), or with its done callback after body_finish().
 * Runs on the loop's thread.
 */
#ifndef FETCHER_INGEST_BODY_H
#define FETCHER_INGEST_BODY_H

#include <stddef.h>
#include <stdint.h>

#include "cache/verity/digest.h"

struct cfs_store;
struct chunk_pool;
struct fetch_bodies;
struct fetch_body;
struct loop;

enum {
	BODY_FULL = 1,		/* body_add(): not taken; wait for resume */
};

/**
 * struct fetch_body_calls - what a body tells its owner
 * @resume: after BODY_FULL: try again now; never from inside body_add()
 * @done: after body_finish(): 0, the store has the object; -EBADMSG, the bytes are
 *	not that object; or what the store said.  @digest: of the bytes, if 0 or
 *	-EBADMSG.  The body is gone.
 */
struct fetch_body_calls {
	void (*resume)(void *context);
	void (*done)(void *context, int err, const struct cfs_digest *digest);
};

/**
 * fetch_bodies_new() - what bodies share
 * @loop: borrowed
 * @store: borrowed
 * @n_chunks: memory for all of them, in chunks
 * @ret: owned by the caller; untouched on failure
 *
 * Return: 0 or -ENOMEM.
 */
int fetch_bodies_new(struct loop *loop, struct cfs_store *store, size_t n_chunks,
		     struct fetch_bodies **ret);

/**
 * fetch_bodies_in_batches() - give names in batches, see batch.h
 *
 * Quicker for who wants many objects, slower for each.  Where there is fs-verity
 * nothing changes.  Before the first body.
 */
void fetch_bodies_in_batches(struct fetch_bodies *bodies);

/** fetch_bodies_free() - NULL is allowed */
void fetch_bodies_free(struct fetch_bodies *bodies);

/** fetch_bodies_n_live() - bodies whose jobs are not over; dropped ones count */
size_t fetch_bodies_n_live(const struct fetch_bodies *bodies);

/** fetch_bodies_pool() - the chunks themselves; borrowed */
struct chunk_pool *fetch_bodies_pool(const struct fetch_bodies *bodies);

/** fetch_bodies_n_free() - chunks that are free now */
size_t fetch_bodies_n_free(const struct fetch_bodies *bodies);

/**
 * fetch_bodies_on_change() - be told when one of the two numbers may have changed
 * @bodies: of them
 * @changed: called from the loop; may call all but fetch_bodies_free()
 * @context: passed to @changed
 */
void fetch_bodies_on_change(struct fetch_bodies *bodies,
			    void (*changed)(void *context), void *context);

/** body_set_first() - a reader waits: its jobs from now on go before others' */
void body_set_first(struct fetch_body *body);

/**
 * body_new() - a body without bytes
 * @bodies: its kin
 * @digest: what its bytes must have, or NULL to publish whatever comes; copied
 * @size: of the object, or UINT64_MAX if not known
 * @calls: borrowed
 * @context: passed to @calls
 * @ret: the body; untouched on failure
 *
 * Return: 0 or -ENOMEM.
 */
int body_new(struct fetch_bodies *bodies, const struct cfs_digest *digest,
	     uint64_t size, const struct fetch_body_calls *calls, void *context,
	     struct fetch_body **ret);

/**
 * body_add() - the next bytes
 * @len: at most CHUNK_LEN (chunks.h), so that one free chunk is always enough
 *
 * Return: 0, BODY_FULL (none were taken), or what the store said.
 */
int body_add(struct fetch_body *body, const void *data, size_t len);

/** body_size() - bytes added so far */
uint64_t body_size(const struct fetch_body *body);

/** body_error() - what the next body_add() would say: 0 or -errno */
int body_error(const struct fetch_body *body);

/** body_flush() - more bytes come late, if at all: let go of the memory */
void body_flush(struct fetch_body *body);

/** body_finish() - all bytes came; done follows, not from inside this call */
void body_finish(struct fetch_body *body);

/** body_drop() - forget it; no call comes any more; NULL is allowed */
void body_drop(struct fetch_body *body);

#endif /* FETCHER_INGEST_BODY_H */
