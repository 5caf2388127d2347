/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A FUSE request that waits until an object is in the store.
 *
 *	            the object came, or failed
 *	WAITING ------------------------------------> answered
 *	   |  FUSE_INTERRUPT, or a READ                  ^
 *	   v                                             | the object, or failed
 *	SUSPECT ------------------------------------------+
 *	   |     looked at now and every 40 ms           |
 *	   +---- the requester is dying: EINTR ----------+
 *
 * The kernel sends one FUSE_INTERRUPT a request, for the first signal of any
 * kind; a fatal one that comes later is seen only by looking again.  It sends none for
 * a READ that it makes ahead of the reader, who waits for it in the page cache.
 *
 * Ownership: object_waits_init() prepares a struct of the caller's, which has to
 * stay until every wait was answered (fetcher_stop()) and object_waits_deinit().
 * A wait belongs to this module from object_wait_start() until its answer
 * callback returns.  Everything runs on the loop's thread.
 */
#ifndef FETCHER_MOUNT_WAIT_H
#define FETCHER_MOUNT_WAIT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "cache/verity/digest.h"
#include "fetcher/engine/fetch.h"
#include "fetcher/loop/loop.h"
#include "fetcher/mount/failures.h"

struct fuse_req;
struct object_wait;
struct object_waits;

/**
 * typedef object_wait_fn - the wait is over; reply to the request
 * @err: 0 if the store has the object now; else the -errno for the reader:
 *	-EIO, -ETIMEDOUT, -EHOSTUNREACH, -ENOSPC, -ENOMEM, or -EINTR
 */
typedef void (*object_wait_fn)(struct object_wait *wait, int err);

/**
 * struct object_wait - one request
 */
struct object_wait {
	struct fetch_waiter waiter;
	void (*leave)(struct object_wait *wait);
	struct object_waits *waits;
	struct fuse_req *req;
	struct cfs_digest digest;
	uint64_t size;			/* that was asked for */
	uint64_t since_ms;
	bool suspect;			/* in that list */
	bool interrupted;
	object_wait_fn answer;
	TAILQ_ENTRY(object_wait) all;
	TAILQ_ENTRY(object_wait) suspects;
};

TAILQ_HEAD(object_wait_list, object_wait);

/* Fills in all but the time. */
typedef void (*object_world_fn)(struct object_waits *waits,
				struct failure_world *ret);

struct object_waits {
	struct loop *loop;
	struct fetcher *fetcher;
	int proc_fd;
	void *owner;			/* for answer callbacks; not looked at */
	struct object_wait_list all;	/* oldest first */
	struct object_wait_list suspects;
	struct loop_timer look;
	struct failures failures;
	object_world_fn world;
	uint64_t n_waiting;		/* gauge */
	uint64_t n_started;
	uint64_t n_interrupts;
	uint64_t n_gone;		/* answered with EINTR */
};

/**
 * object_waits_init() - nobody waits
 * @waits: the caller's
 * @loop: borrowed
 * @fetcher: borrowed
 * @world: what failures depend on, see failures.h
 *
 * Keeps /proc open, so that it works without the path later.
 *
 * Return: 0 or -errno.
 */
int object_waits_init(struct object_waits *waits, struct loop *loop,
		      struct fetcher *fetcher, object_world_fn world);

/** object_waits_deinit() - nobody waits any more */
void object_waits_deinit(struct object_waits *waits);

/**
 * object_wait_start() - let a request wait
 * @waits: where
 * @req: not answered yet; the wait takes it over unless an error is returned
 * @digest: copied
 * @size: of the object, as for fetch_object()
 * @answer: called once, never from inside this call
 *
 * Return: 0, or -errno for the reader.
 */
int object_wait_start(struct object_waits *waits, struct fuse_req *req,
		      const struct cfs_digest *digest, uint64_t size,
		      object_wait_fn answer);

/**
 * object_wait_enter() - let a request wait for something else than a whole object
 * @wait: from malloc(), zeroed; the last thing that is done with it is free()
 * @req: not answered yet
 * @leave: the requester dies: what it waits for must not call object_wait_end()
 * @answer: called once, never from inside this call
 */
void object_wait_enter(struct object_waits *waits, struct object_wait *wait,
		       struct fuse_req *req,
		       void (*leave)(struct object_wait *wait),
		       object_wait_fn answer);

/** object_wait_suspect() - look at the requester even if no FUSE_INTERRUPT comes */
void object_wait_suspect(struct object_wait *wait);

/** object_wait_end() - it came (0), or as struct fetch_waiter says; @wait is gone */
void object_wait_end(struct object_wait *wait, int err);

/**
 * object_wait_failed() - did the same fail a moment ago, and would do so again?
 * @part: 0 for the whole object, else the part that is read
 * @queued: it may have queued behind one that ran into the deadline, as LOOKUPs do
 *
 * Return: 0, or the -errno to answer with.
 */
int object_wait_failed(struct object_waits *waits,
		       const struct cfs_digest *digest, uint64_t part,
		       bool queued);

/** object_wait_note() - it failed, with @err for the reader */
void object_wait_note(struct object_waits *waits,
		      const struct cfs_digest *digest, uint64_t part, int err);

/** object_wait_oldest_ms() - how long the oldest has been waiting; 0 if none */
uint64_t object_wait_oldest_ms(const struct object_waits *waits);

#endif /* FETCHER_MOUNT_WAIT_H */
