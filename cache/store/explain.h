/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a store could not be opened or used, in words for people: the errors that
 * are about its folders say nothing without the folder's name.  Everything is
 * borrowed for the duration of the call; any thread.
 */
#ifndef CACHE_STORE_EXPLAIN_H
#define CACHE_STORE_EXPLAIN_H

#include "cache/base/errmsg.h"

struct cfs_store;

/**
 * cfs_store_explain_open() - why cfs_store_open() failed
 * @path: that it was given
 * @err: what it returned
 * @msg: begins with @path
 *
 * Return: @err.
 */
int cfs_store_explain_open(const char *path, int err, struct errmsg *msg);

/**
 * cfs_store_explain() - why something in a store failed
 * @err: -ELOOP, -EXDEV, -ENOTDIR, -EPERM: the first folder that explains it is
 *	named; any other: as strerror()
 * @msg: does not name the store
 *
 * Return: @err.
 */
int cfs_store_explain(const struct cfs_store *store, int err,
		      struct errmsg *msg);

#endif /* CACHE_STORE_EXPLAIN_H */
