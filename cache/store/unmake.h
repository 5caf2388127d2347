/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking back a store that was made for something which then failed.
 *
 *	what = cfs_store_absent(path)
 *	cfs_store_open(path, CFS_STORE_CREATE, ...)
 *	failed: cfs_store_unmake(path, what)
 *
 * Only empty folders go: a store that another process has put something into meanwhile,
 * or that has got an object, stays.  Any thread; @path is borrowed.
 */
#ifndef CACHE_STORE_UNMAKE_H
#define CACHE_STORE_UNMAKE_H

/**
 * cfs_store_absent() - which folders would have to be made?
 *
 * Return: a set for cfs_store_unmake(); 0 if it is a store already.
 */
unsigned int cfs_store_absent(const char *path);

/** cfs_store_unmake() - remove those of them that are empty */
void cfs_store_unmake(const char *path, unsigned int absent);

#endif /* CACHE_STORE_UNMAKE_H */
