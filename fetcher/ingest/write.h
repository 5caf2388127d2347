/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing the bytes of a staged object as they arrive, some chunks at a time.
 *
 * The caller owns the loop, the staged file and the struct cfs_object_write; the
 * module never waits and holds no bytes.  At most one request is in flight.  How
 * it is made (io_uring, a thread) is the caller's affair: ->submit() starts it
 * and its result is given to cfs_object_write_step():
 *
 *	       add                 all of the chunks
 *	IDLE ------> WRITE ------------------------------> IDLE
 *	             |  ^  |
 *	             +--+  +---- error, or nothing written --> FAILED
 *	           short write,
 *	           -EINTR, -EAGAIN
 *
 *	IDLE	bytes [0, offset) are written; the next chunks may be added
 *	WRITE	bytes [0, offset) are written; the rest of the chunks is in flight
 *	FAILED	the staged file is of no use; nothing more may be added
 *
 * Ownership: descriptor and chunks are borrowed: a chunk until ->done(), the
 * rest for the life of the struct.  One thread at a time.
 */
#ifndef FETCHER_INGEST_WRITE_H
#define FETCHER_INGEST_WRITE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* Chunks of one request: enough to make a request cost little beside its bytes. */
#define CFS_OBJECT_WRITE_CHUNKS	16

enum cfs_object_write_state {
	CFS_OBJECT_WRITE_IDLE,
	CFS_OBJECT_WRITE_WRITE,
	CFS_OBJECT_WRITE_FAILED,
};

/**
 * struct cfs_object_write - one staged object being filled; zeroed, then:
 * @submit: start writing the @n pieces at @offset of the staged file, which are
 *	borrowed until then; cfs_object_write_step() gets the result later, never
 *	from inside this call
 * @done: called exactly once for each cfs_object_write_add(), last, with 0 or
 *	-errno; may add the next chunks, and may free this struct
 * @state: see the diagram above
 * @offset: where the next byte goes
 */
struct cfs_object_write {
	void (*submit)(struct cfs_object_write *w, const struct iovec *pieces,
		       unsigned int n, uint64_t offset);
	void (*done)(struct cfs_object_write *w, int err);

	enum cfs_object_write_state state;
	uint64_t offset;
	/* private: */
	struct iovec chunks[CFS_OBJECT_WRITE_CHUNKS];
	unsigned int first, end;	/* of those that are not all written */
};

/**
 * cfs_object_write_add() - write the next chunks
 * @w: IDLE
 * @chunks: none of them empty; copied, but their bytes are borrowed until ->done()
 * @n: 1 to CFS_OBJECT_WRITE_CHUNKS
 *
 * ->done() is never called from inside this call.
 */
void cfs_object_write_add(struct cfs_object_write *w, const struct iovec *chunks,
			  unsigned int n);

/**
 * cfs_object_write_step() - advance on the result of a request
 * @w: in state WRITE; must not be used afterwards if ->done() freed it
 * @res: bytes written, or -errno
 */
void cfs_object_write_step(struct cfs_object_write *w, int res);

#endif /* FETCHER_INGEST_WRITE_H */
