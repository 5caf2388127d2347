/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BASE/mirror: what a mirror has besides objects and images, so that nobody has to
 * find out by asking for what is not there.
 *
 *	composefs-mirror 1
 *	packs
 *	profiles
 *
 * Plain text, at most 4 KiB; one word a line, each the name of a folder beside
 * objects/.  Words that a reader does not know are passed over.  A mirror without
 * this file has nothing but objects and images.
 *
 * Everything is borrowed for the duration of the call; any thread.
 */
#ifndef CACHE_MIRROR_MIRROR_FILE_H
#define CACHE_MIRROR_MIRROR_FILE_H

#include <stddef.h>

struct cfs_store;

#define CFS_MIRROR_FILE_MAX	4096

enum {
	CFS_MIRROR_PROFILES = 1 << 0,
	CFS_MIRROR_PACKS = 1 << 1,
	CFS_MIRROR_ZST = 1 << 2,
	CFS_MIRROR_VERITY = 1 << 3,
};

/**
 * cfs_mirror_file_parse() - which folders does it name?
 * @text: need not end in a NUL
 * @len: its length
 * @ret: a set of CFS_MIRROR_*; untouched on failure
 *
 * Return: 0, or -EINVAL if it is too long or its first line is another one.
 */
int cfs_mirror_file_parse(const char *text, size_t len, unsigned int *ret);

/** cfs_mirror_folder_name() - of one CFS_MIRROR_*; NULL for any other number */
const char *cfs_mirror_folder_name(unsigned int folder);

/**
 * cfs_mirror_file_update() - let a store's mirror file name the folders it has
 * @store: not a folder of objects only
 *
 * What stands there stays.  The file is replaced as a whole; writers wait for
 * each other.
 *
 * Return: 0, -EINVAL (STORE/mirror is something else), -ELOOP (a symbolic link), or
 * -errno.
 */
int cfs_mirror_file_update(struct cfs_store *store);

#endif /* CACHE_MIRROR_MIRROR_FILE_H */
