/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a store takes on the disk: every file and folder below it, in allocated bytes,
 * as du(1) counts.
 *
 * Nameless files that are being written are not seen; who writes them has to count
 * them.  Other file systems that are mounted inside are left out.
 */
#ifndef CACHE_UPKEEP_SPACE_H
#define CACHE_UPKEEP_SPACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct cfs_store;

enum cfs_space_kind {
	CFS_SPACE_OBJECTS,
	CFS_SPACE_PARTIAL,	/* objects that are here in part */
	CFS_SPACE_VERITY,	/* Merkle trees */
	CFS_SPACE_ZST,		/* compressed objects */
	CFS_SPACE_PACKS,
	CFS_SPACE_PROFILES,
	CFS_SPACE_QUARANTINE,	/* damaged objects that were moved aside */
	CFS_SPACE_TEMPORARY,	/* files without their final name */
	CFS_SPACE_OTHER,	/* folders, image names, all else */
	CFS_SPACE_KINDS,
};

/**
 * struct cfs_space_count
 * @files: or folders
 * @bytes: on disk
 */
struct cfs_space_count {
	uint64_t files;
	uint64_t bytes;
};

/**
 * struct cfs_space - what is there
 * @bytes: on disk, all together
 */
struct cfs_space {
	struct cfs_space_count kinds[CFS_SPACE_KINDS];
	uint64_t bytes;
};

/** cfs_space_name() - such as "partial"; the folder's name where there is one */
const char *cfs_space_name(enum cfs_space_kind kind);

/**
 * cfs_space_fn - called for each file
 * @path: below the store; in a folder of objects only, below that
 *
 * Return: 0, or -errno to stop.
 */
typedef int (*cfs_space_fn)(void *context, enum cfs_space_kind kind,
			    const char *path, const struct stat *st);

/**
 * cfs_space_measure() - walk all of the store
 * @fn: or NULL
 * @ret: filled in on success
 *
 * What goes away meanwhile is not counted.
 *
 * Return: 0, -errno, or what @fn returned.
 */
int cfs_space_measure(struct cfs_store *store, cfs_space_fn fn, void *context,
		      struct cfs_space *ret);

#endif /* CACHE_UPKEEP_SPACE_H */
