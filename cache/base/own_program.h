/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where another program of this package is, without a look at PATH: mount(8) clears it
 * for its helpers, and what root runs must not be chosen by an environment.
 *
 * In this order:
 *
 *	the folder of the running program	one installation, wherever it was put
 *	../fetcher, from a folder "cache"	a build directory
 *	the folders given to cmake		a helper that was mounted or copied to
 *						where mount(8) looks
 */
#ifndef CACHE_BASE_OWN_PROGRAM_H
#define CACHE_BASE_OWN_PROGRAM_H

#include <limits.h>

/**
 * own_program_find() - the absolute path of a program; any thread
 * @name: file name, such as "cfs-fetch"
 * @ret: the path; on failure a text that says where it was looked for
 *
 * Return: 0 or -ENOENT.
 */
int own_program_find(const char *name, char ret[PATH_MAX]);

#endif /* CACHE_BASE_OWN_PROGRAM_H */
