/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A store is 0700, or open to a group: its objects hold the bytes of files that not every
 * user may read.  A store that is made has that mode; one in a folder that was there
 * before has the folder's.
 *
 *	folder of the store		holds an object		none yet
 *	closed to others		good			good
 *	others may read			said			closed, and said
 *	others may write		closed, and said	closed, and said
 *	shared with other things	said			refused
 *
 * A store that others may read stays so when it has objects: it may be a public mirror.
 */
#ifndef CACHE_STORE_GUARD_H
#define CACHE_STORE_GUARD_H

#include "cache/base/errmsg.h"

enum {
	CFS_STORE_CLOSED = 5,		/* it was open to others, and is not any more */
	CFS_STORE_IS_OPEN = 6,		/* others may read it */
};

/**
 * cfs_store_guard() - called when a store has been opened for writing; any thread
 * @path: its folder; borrowed
 * @msg: says what was found, begins with @path; unless 0 is returned
 *
 * Return: 0, CFS_STORE_CLOSED, CFS_STORE_IS_OPEN, -EPERM (refused: the folder is shared, or
 * others may write to it and it can't be closed) or -errno.
 */
int cfs_store_guard(const char *path, struct errmsg *msg);

#endif /* CACHE_STORE_GUARD_H */
