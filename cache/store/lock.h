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
 * The lock is flock(2) on STORE/.lock, so it ends with the process that holds it, however
 * it dies, and there is nothing to clean up.  The file has the owner of the store's folder
 * and the mode 0600, or 0660 in one that a group may write to: a folder that others may read
 * could be locked by any user, and kept so.  Where nothing can be written, and in a folder
 * of objects only, it is the folder.
 *
 * The names of images have such a file, .lock-images, for the moment of a change, and the
 * file "mirror" has .lock-mirror.
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
	CFS_STORE_BUSY = 4,	/* a process holds a lock that excludes this one */
};

/**
 * struct cfs_store_lock_holder - what a lock is waited for
 * @pid: of a process that has it, or 0 if that can't be told
 * @name: of its program; or empty
 * @seconds: since that process began, or -1
 * @waited: seconds until now
 */
struct cfs_store_lock_holder {
	long pid;
	char name[32];
	long seconds;
	long waited;
};

typedef void (*cfs_store_lock_fn)(const struct cfs_store_lock_holder *holder);

#define CFS_STORE_LOCK_TEXT	192

/** cfs_store_lock_format() - that, for people; returns @ret */
const char *cfs_store_lock_format(const struct cfs_store_lock_holder *holder,
				  char ret[CFS_STORE_LOCK_TEXT]);

/**
 * cfs_store_lock_tell() - have it said when a lock is waited for
 * @fn: called at once and every 10 s of waiting, by the thread that waits
 *
 * For the whole process: a program says it before there are threads.
 */
void cfs_store_lock_tell(cfs_store_lock_fn fn);

/**
 * cfs_store_lock() - keep gc out, or everybody who is about to pin
 * @store: the store
 * @kind: see the table above
 * @wait: until it can be had (a signal that is handled ends that)
 * @ret_fd: close it to unlock; untouched unless 0
 *
 * Return: 0, CFS_STORE_BUSY (only without @wait), -EINTR, -ELOOP or -EMEDIUMTYPE (STORE/.lock
 * is no regular file) or -errno.
 */
int cfs_store_lock(struct cfs_store *store, enum cfs_store_lock_kind kind,
		   bool wait, int *ret_fd);

#endif /* CACHE_STORE_LOCK_H */
