/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Download what a plan still wants.
 *
 * Ownership: everything is borrowed for the duration of the call, which runs the
 * loop until all is settled or it is told to stop.
 */
#ifndef FETCHER_SEED_DOWNLOAD_H
#define FETCHER_SEED_DOWNLOAD_H

#include <stdint.h>

#include "fetcher/engine/fetch.h"
#include "fetcher/seed/plan.h"

struct loop;

/**
 * struct seed_fetch_options - how
 * @window: objects asked of the engine at once
 * @rate: bytes a second, on average; 0 for as fast as it goes
 * @max_in_a_row: give up when so many objects, one after the other, could not be
 *	had: the rest would only take as long to fail; at least 1
 * @tick: called ten times a second while it runs, on the loop's thread
 * @context: passed to @tick
 * @stop_fd: an eventfd or signalfd; when it becomes readable the run ends early
 */
struct seed_fetch_options {
	unsigned int window;
	uint64_t rate;
	uint64_t max_in_a_row;
	void (*tick)(void *context);
	void *context;
	int stop_fd;
};

/**
 * seed_fetch() - download
 * @plan: settled; what is wanted becomes SEED_FETCHED or SEED_FAILED, or stays
 *	wanted if it ended early
 * @last_err: why the last object that failed did, or 0
 *
 * Return: 0 (whether or not all could be had), -EINTR if it was told to stop, the
 * store's error if it can take no more (-ENOSPC, -EDQUOT, -EROFS), -ENOMEM or
 * what loop_run() gave.
 */
int seed_fetch(struct seed_plan *plan, struct loop *loop,
	       struct fetcher *fetcher, const struct seed_fetch_options *options,
	       int *last_err);

#endif /* FETCHER_SEED_DOWNLOAD_H */
