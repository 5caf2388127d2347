// SPDX-License-Identifier: GPL-2.0-or-later
/* Visiting every object of a store, on several threads. */
#include "cache/store/walk.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct walk {
	struct cfs_store *store;
	cfs_object_fn fn;
	void *context;
	atomic_int next_folder;
	atomic_int outcome;		/* the first; ends all threads */
};

static int visit(void *context, const struct cfs_object_info *info)
{
	struct walk *walk = context;
	int outcome = walk->fn(walk->context, info);

	return outcome ? outcome : atomic_load(&walk->outcome);
}

static void *run(void *context)
{
	struct walk *walk = context;

	for (;;) {
		int folder = atomic_fetch_add(&walk->next_folder, 1);
		int none = 0, outcome;

		if (folder >= CFS_STORE_FOLDERS)
			return NULL;
		outcome = cfs_store_folder_each(walk->store, (uint8_t)folder,
						visit, walk);
		if (outcome) {
			atomic_compare_exchange_strong(&walk->outcome, &none,
						       outcome);
			return NULL;
		}
	}
}

int cfs_store_walk(struct cfs_store *store, unsigned int n_threads,
		   cfs_object_fn fn, void *context)
{
	struct walk walk = { .store = store, .fn = fn, .context = context };
	/* This thread is one of them, so that one is always to be had. */
	unsigned int n_others = n_threads - 1, started = 0;
	pthread_t *others = calloc(n_others + 1, sizeof(*others));

	if (!others)
		return -ENOMEM;
	while (started < n_others &&
	       pthread_create(&others[started], NULL, run, &walk) == 0)
		started++;
	run(&walk);
	while (started > 0)
		pthread_join(others[--started], NULL);
	free(others);
	return atomic_load(&walk.outcome);
}
