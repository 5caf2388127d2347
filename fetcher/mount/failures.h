/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What failed a moment ago, so that a program that tries again without pause costs
 * neither requests to mirrors nor lines in the log.
 *
 *	failures of one object in a row	1	2	3	4	5	6...
 *	then remembered for	ms	0	250	500	1000	2000	4000
 *
 * The first failure is never remembered: a reader that tries again after the cause
 * is gone finds it gone.  All is forgotten when the world changes, see failures_note(),
 * and -ENOSPC when there is more room.  An object that has not failed for a minute
 * begins anew.
 *
 * Failures that took a deadline (-ETIMEDOUT, -EHOSTUNREACH) limit themselves, but the
 * kernel sends the LOOKUPs of one name one after the other: those that queued behind
 * one that ran into the deadline have waited as long, and get its error too, if
 * they come within 250 ms of each other and 1 s of it.
 *
 * Ownership: a struct of the caller's, { 0 } before its first use, which
 * failures_deinit() releases.  At most 1 MiB, whatever fails: the oldest are
 * forgotten.  Single-threaded, no clock of its own.
 */
#ifndef FETCHER_MOUNT_FAILURES_H
#define FETCHER_MOUNT_FAILURES_H

#include <stdbool.h>
#include <stdint.h>

#include "cache/verity/digest.h"

struct failure;

struct failures {
	struct failure *sets;		/* owned; NULL as long as nothing failed */
};

/**
 * struct failure_key - what failed
 * @digest: of the object
 * @part: 0 for the whole; else, which part of it was read
 */
struct failure_key {
	struct cfs_digest digest;
	uint64_t part;
};

/**
 * struct failure_world - what a failure can depend on besides its object
 * @now_ms: the loop's clock
 * @changes: counts what may turn a failure into success: mirrors that are asked again,
 *	new images, objects that made room
 * @room: free bytes of the store's file system; UINT64_MAX if not known
 */
struct failure_world {
	uint64_t now_ms;
	uint64_t changes;
	uint64_t room;
};

/** failures_deinit() - forget all */
void failures_deinit(struct failures *failures);

/**
 * failures_note() - it failed
 * @err: -errno as the reader sees it
 *
 * Without memory for it nothing is noted.
 */
void failures_note(struct failures *failures, const struct failure_key *key,
		   const struct failure_world *world, int err);

/**
 * failures_recall() - would it be pointless to try now?
 * @queued: the request may have queued behind one that ran into the deadline
 *
 * Return: 0, or the -errno to answer with.
 */
int failures_recall(struct failures *failures, const struct failure_key *key,
		    const struct failure_world *world, bool queued);

#endif /* FETCHER_MOUNT_FAILURES_H */
