/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Take what is wanted from what this machine has already: a directory tree, a
 * checkout, an ostree repository, another store.
 *
 * A folder that has objects/aa/ (or aa/) is asked for each object by name first.
 * Then every regular file whose size is wanted is digested, and copied in if its
 * digest is wanted too.  Names mean nothing: the digest of the copied bytes
 * decides.
 *
 * Ownership: everything is borrowed for the duration of the call, which blocks.
 */
#ifndef FETCHER_SEED_LOCAL_H
#define FETCHER_SEED_LOCAL_H

#include <stdbool.h>

#include "fetcher/seed/plan.h"

struct cfs_store;

/**
 * struct seed_from_report - what one source gave
 * @taken: objects that came from there
 * @digested: files that were read to find them
 */
struct seed_from_report {
	struct seed_count taken;
	struct seed_count digested;
};

/**
 * seed_from() - take wanted objects from a local folder
 * @plan: settled; objects that are taken become SEED_LOCAL
 * @store: where they go
 * @path: the folder; symlinks below it are not followed, nor are other file
 *	systems mounted there
 * @dry_run: find out, and copy nothing
 * @n_threads: at least 1
 * @ret: filled in any case
 *
 * Files that can't be read are passed over: they may still be downloaded.
 *
 * Return: 0, -ENOENT, -ENOTDIR, -ENOMEM, or what the store gave.
 */
int seed_from(struct seed_plan *plan, struct cfs_store *store,
	      const char *path, bool dry_run, unsigned int n_threads,
	      struct seed_from_report *ret);

#endif /* FETCHER_SEED_LOCAL_H */
