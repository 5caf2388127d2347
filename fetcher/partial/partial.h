/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Large objects: fetched in parts, several at once, and readable before they are
 * whole.
 *
 *	        files open,                    all blocks         sealed, and
 *	        kept blocks checked            are here           has its name
 *	IDLE ------> LOADING ------> ACTIVE -----------> FINISHING ------> DONE
 *	  ^             |             |  ^                    |             ^
 *	  |             |             |  |  no mirror has a   |             |
 *	  +-------------+             |  +-- tree: plain,     |             |
 *	  ^      the disk failed      |      from the start   |             |
 *	  |                           |                       | wrong       |
 *	  |                           v  no mirror does parts v bytes       |
 *	  +------------------------ STREAM <------------------+-------------+
 *	        no mirror had it      one GET for the whole (fetch.h)
 *
 *	IDLE		nothing is open; whoever wants a block starts it
 *	ACTIVE		parts are asked for: what readers wait for, then what they
 *			are going to want, then the rest
 *	DONE		an object of the store; readers have it open
 *
 * With a tree (a mirror that says "verity": cache/verity/tree.h) each block is
 * checked before it is written, whoever sent it, and a reader gets it at once.  What
 * is here stays in STORE/partial (cache/store/partial.h) for the next time.  The
 * rest is fetched when somebody waits for the whole, or once readers have wanted a
 * share of it (fill_percent).
 *
 * A part that another mirror would send much sooner is ended, and what it lacks is asked
 * for there (pace.c).
 *
 * Plain, without a tree, nothing can be checked before all is here.  So readers wait
 * for the whole, and parts come from one mirror as long as it sends them.  If the
 * whole does not have its digest, it is fetched again in one stream, and a
 * mirror is blamed only if all parts were its.  Bytes of several answers
 * together are an object only with the right digest.
 *
 * A later version may let the kernel check what streams in; it will need what is
 * here already: blocks of the tree before the data below them, at their place in
 * a file of fs-verity's own layout, and the digest of the whole.
 *
 * Room (fetcher/ingest/quota.h) is booked for what is asked for: for the rest of the
 * object if all of it is wanted.  If there is none and none can be made, those who
 * wait are told ENOSPC, and what is here of the object is given up.
 *
 * Invariants: a block is read from a partial object only if its bit is set, which
 * happens after it was checked up to the digest and written.  At most one partial
 * object a digest asks for parts.  Every reader and owner is called exactly once or
 * has left.
 *
 * Ownership: partials_new() gives the caller the partial objects of an engine, to
 * partials_free().  A struct partial_reader and partial_owner is the caller's,
 * borrowed until its done or until it leaves.  A handle lives from partial_open()
 * to partial_close() (or partials_free()).  Runs on the loop's thread.
 */
#ifndef FETCHER_PARTIAL_PARTIAL_H
#define FETCHER_PARTIAL_PARTIAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "cache/verity/digest.h"

struct fetcher;
struct partial;
struct partial_handle;
struct partials;

enum {
	PARTIAL_WAIT = 1,	/* partial_read(): done will be called */
};

/**
 * struct partial_reader - somebody who waits for some bytes
 * @done: called once, never from inside partial_read(): 0, the bytes can be read; or
 *	as struct fetch_waiter says
 */
struct partial_reader {
	void (*done)(struct partial_reader *reader, int err);
	/* private: */
	struct partial *partial;
	uint64_t from, to;		/* blocks */
	uint64_t deadline_ms;
	TAILQ_ENTRY(partial_reader) entry;
};

/**
 * struct partial_owner - somebody who waits for the whole
 * @done: called once, never from inside partial_fetch(): 0, the store has it;
 *	-EOPNOTSUPP, it has to be fetched in one stream; or as struct fetch_waiter
 *	says
 * @need: bytes that were to be booked, after -ENOSPC; 0 if not known
 */
struct partial_owner {
	void (*done)(struct partial_owner *owner, int err);
	/* private: */
	struct partial *partial;
	uint64_t n_here;
	uint64_t need;
};

/**
 * struct partial_stats - counters; they only grow
 * @parts: GETs of parts
 * @bytes: of blocks that came, were good and were written
 * @wrong: parts with a block that did not have its hash
 * @kept: blocks that were here from before
 * @reads: of bytes of partial objects
 * @waits: of these, had to wait
 */
struct partial_stats {
	uint64_t parts;
	uint64_t bytes;
	uint64_t wrong;
	uint64_t kept;
	uint64_t reads;
	uint64_t waits;
};

/** partials_new() - none; Return: 0 or -ENOMEM */
int partials_new(struct fetcher *fetcher, struct partials **ret);

/** partials_stop() - tell all who wait -ESHUTDOWN, and ask for nothing any more */
void partials_stop(struct partials *partials);

/** partials_busy() - is there a job on the pool? */
bool partials_busy(const struct partials *partials);

/** partials_free() - stopped and not busy, or never used; NULL is allowed */
void partials_free(struct partials *partials);

/** partials_n_gets() - parts on their way */
unsigned int partials_n_gets(const struct partials *partials);

/** partials_pump() - another GET may go */
void partials_pump(struct partials *partials);

/** partials_room_ended() - a collection has: who waits for room tries again, or fails */
void partials_room_ended(struct partials *partials, bool helped);

/**
 * partials_shed() - give up what is here of objects that are open and not waited for
 *
 * Who has them open may read on: it is fetched again.
 *
 * Return: true if that made room.
 */
bool partials_shed(struct partials *partials);

/** partials_stats() - counters; borrowed */
const struct partial_stats *partials_stats(const struct partials *partials);

/**
 * partials_readable() - can an object be read before it is whole?
 *
 * That is: it is large, and a mirror has trees, or may have some, or blocks of it are
 * here from before.
 */
bool partials_readable(const struct partials *partials,
		       const struct cfs_digest *digest, uint64_t size);

/**
 * partial_open() - read an object that is not in the store
 * @size: of it, bytes
 * @ret: owned by the caller; untouched on failure
 *
 * Return: at once 0; -ENOSPC if it is larger than the store can ever take; -ENOMEM.
 */
int partial_open(struct partials *partials, const struct cfs_digest *digest,
		 uint64_t size, struct partial_handle **ret);

/**
 * partial_read() - want some bytes
 * @offset: within the object
 * @len: cut at the object's end
 * @reader: done is set
 *
 * Return: 0: they are here; PARTIAL_WAIT; -ENOSPC, an earlier read of the handle found
 * no room a moment ago; or -ESHUTDOWN.
 */
int partial_read(struct partial_handle *handle, uint64_t offset, uint64_t len,
		 struct partial_reader *reader);

/** partial_digest() - of the object; borrowed as long as the handle is open */
const struct cfs_digest *partial_digest(const struct partial_handle *handle);

/** partial_fd() - where to read what is here; borrowed */
int partial_fd(const struct partial_handle *handle);

/** partial_leave() - stop waiting; done is not called any more; idempotent */
void partial_leave(struct partial_reader *reader);

/** partial_close() - nobody waits on it any more */
void partial_close(struct partial_handle *handle);

/**
 * partial_fetch() - want the whole
 * @owner: done is set
 *
 * Return: 0; -EOPNOTSUPP if it is being fetched in one stream; -ENOMEM.
 */
int partial_fetch(struct partials *partials, const struct cfs_digest *digest,
		  uint64_t size, struct partial_owner *owner);

/** partial_received() - bytes that are here */
uint64_t partial_received(const struct partial_owner *owner);

/** partial_progressed() - has anything come since it was wanted, or since the last call? */
bool partial_progressed(struct partial_owner *owner);

/** partial_heard() - has any mirror given a sign of life because of it? */
bool partial_heard(const struct partial_owner *owner);

/** partial_abandon() - not want it any more; idempotent */
void partial_abandon(struct partial_owner *owner);

#endif /* FETCHER_PARTIAL_PARTIAL_H */
