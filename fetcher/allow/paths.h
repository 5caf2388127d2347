/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names that images open and that are no objects' names: a set.
 *
 * A mounted image looks for the content of such a file in all its basedirs, the
 * fetcher's tree last.  There the name does not exist, but the answer must not be
 * that the file does not.
 *
 * What is kept is a hash of each path up to where the fetcher's tree ends: the first
 * name, or two behind a folder "aa"; 8 to 16 bytes each.  A name that is only taken
 * for one of them gets another error, nothing worse.
 *
 * Ownership: a struct of the caller's, { 0 } before its first use, which
 * allow_paths_clear() releases.  Single-threaded.
 */
#ifndef FETCHER_ALLOW_PATHS_H
#define FETCHER_ALLOW_PATHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct allow_paths {
	uint64_t *slots;		/* owned; 0: free */
	uint64_t secret;		/* odd: chosen names don't crowd in one place */
	size_t n_slots;			/* 0 or a power of two */
	size_t n;
};

/**
 * allow_paths_add() - an image opens @path below its basedirs
 *
 * Return: 0 or -ENOMEM.
 */
int allow_paths_add(struct allow_paths *paths, const char *path);

/**
 * allow_paths_has() - may a path lead there?
 * @folder: the first part of it, without a slash; "" at the root
 * @name: the name that was looked up in it
 */
bool allow_paths_has(const struct allow_paths *paths, const char *folder,
		     const char *name);

/** allow_paths_clear() - forget all */
void allow_paths_clear(struct allow_paths *paths);

#endif /* FETCHER_ALLOW_PATHS_H */
