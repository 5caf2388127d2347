/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may do what to a store at the same time.
 *
 *	who				lock		for how long
 *	mkcomposefs --store, cfs-seed,	shared		from the first "is it
 *	import, pin, image fetches			there?" to the image's name
 *	gc				exclusive	its whole run
 *	cfs-fetch's objects, readers	none
 *
 * The rule behind the table: whoever relies on an object that no image name pins
 * yet keeps gc out until the name is there.  cfs-fetch needs no lock: what it
 * publishes is named by an image that is pinned; if that name is removed while it
 * runs, gc may take an object, and the next open fetches it again.  Publishing
 * itself never needs a lock: an object appears whole, by one link().
 *
 * The lock is flock(2) on the objects folder, so it ends with the process that
 * holds it, however it dies, and there is nothing to clean up.
 *
 * Ownership: the descriptor returned is the caller's; closing it unlocks.  Don't
 * take a lock that a child process must not inherit: it is close-on-exec, but a
 * fork() shares it.
 */
#ifndef CACHE_STORE_LOCK_H
#define CACHE_STORE_LOCK_H

#include <stdbool.h>

struct cfs_store;

enum cfs_store_lock_kind {
	CFS_STORE_LOCK_SHARED,
	CFS_STORE_LOCK_EXCLUSIVE,
};

enum {
	CFS_STORE_BUSY = 4,	/* somebody holds a lock that excludes this one */
};

/**
 * cfs_store_lock() - keep gc out, or everybody who is about to pin
 * @store: the store
 * @kind: see the table above
 * @wait: block until it can be had (a signal without SA_RESTART ends that)
 * @ret_fd: close it to unlock; untouched unless 0
 *
 * Return: 0, CFS_STORE_BUSY (only without @wait), -EINTR or -errno.
 */
int cfs_store_lock(struct cfs_store *store, enum cfs_store_lock_kind kind,
		   bool wait, int *ret_fd);

#endif /* CACHE_STORE_LOCK_H */
