/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names given in batches: where there is no fs-verity, an object must be on the
 * disk before it gets its name, and one flush for a hundred costs little more than
 * one for a single object.
 *
 *	             enough, or      one syncfs(2),     all have
 *	      add    some time       then their names   their names
 *	NONE -----> WAITING ------------> FLUSHING ------------> NONE
 *	             ^  |                    |
 *	             +--+ add                +-- add --> they wait for the next flush
 *
 * A name appears only after a flush that began when all bytes were written, so a
 * crash never leaves a name with other bytes.
 *
 * Ownership: the struct is the caller's, zeroed, then @loop and @store set, which
 * are borrowed; an item is the caller's, borrowed until done.  Runs on the loop's
 * thread, flushes on the pool.
 */
#ifndef FETCHER_INGEST_BATCH_H
#define FETCHER_INGEST_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "cache/verity/digest.h"
#include "fetcher/loop/loop.h"

struct cfs_store;

/**
 * struct publish_item - an object on its way
 * @fd: staged, with all bytes written; consumed
 * @digest: of these, checked
 * @size: bytes
 * @done: called once, never from inside publish_batch_add()
 *	@err: 0 or -errno, as cfs_object_publish()
 */
struct publish_item {
	int fd;
	struct cfs_digest digest;
	uint64_t size;
	void (*done)(struct publish_item *item, int err);
	/* private: */
	STAILQ_ENTRY(publish_item) entry;
	int err;
};

STAILQ_HEAD(publish_list, publish_item);

struct publish_batch {
	struct loop *loop;
	struct cfs_store *store;
	/* private: */
	bool ready;			/* the lists are initialised */
	struct publish_list waiting, flushing;
	size_t n_waiting;
	uint64_t waiting_size;
	struct loop_timer timer;
	struct loop_work work;
	bool running;
};

/** publish_batch_add() - to be published with the next flush */
void publish_batch_add(struct publish_batch *batch, struct publish_item *item);

#endif /* FETCHER_INGEST_BATCH_H */
