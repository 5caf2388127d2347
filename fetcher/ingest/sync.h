/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes published names durable in batches: 5 s after the first of a batch, or at
 * once when 64 MiB have come together.  A crash before that costs downloads, not
 * correctness.
 *
 * Ownership: the struct is the caller's, zeroed, then the fields above private
 * set; what they point to is borrowed.  Runs on the loop's thread, the syncs on
 * the pool.
 */
#ifndef FETCHER_INGEST_SYNC_H
#define FETCHER_INGEST_SYNC_H

#include "fetcher/loop/loop.h"

struct cfs_store;

/**
 * struct fetch_sync
 * @synced: called after each sync, with 0 or -errno
 */
struct fetch_sync {
	struct loop *loop;
	struct cfs_store *store;
	void (*synced)(void *context, int err);
	void *context;
	/* private: */
	struct loop_timer timer;
	struct loop_work work;
	uint64_t dirty_size;
	bool dirty, running;
	int err;
};

/** fetch_sync_add() - something was published */
void fetch_sync_add(struct fetch_sync *sync, uint64_t size);

/**
 * fetch_sync_now() - don't wait any longer
 *
 * Return: true if synced will be called, false if there is nothing to do.
 */
bool fetch_sync_now(struct fetch_sync *sync);

#endif /* FETCHER_INGEST_SYNC_H */
