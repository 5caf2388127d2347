/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Visit every name of an image, depth first, in the order of names.
 *
 * A walk checks what the reader can't know from one place: a directory has one
 * name and no cycle, "." and ".." lead where they must, types in directories agree
 * with inodes, and no two inodes claim the same bytes so often that
 * together they claim more than the image has.  So its time is bounded by the
 * image's size, and its memory by one bit for 32 bytes of image plus the depth.
 *
 * Ownership: everything passed in or shown is borrowed for the duration of the
 * call.  Any number of walks may run at once if the image's source allows it.
 */
#ifndef CACHE_IMAGE_WALK_H
#define CACHE_IMAGE_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kmod/cfs_image.h"

/* Deeper trees are refused with -EFSCORRUPTED. */
#define CFS_WALK_DEPTH_MAX	16384

enum {
	CFS_WALK_PRUNE = 1,	/* do not descend into this directory */
};

enum {
	CFS_WALK_WHITEOUTS = 1 << 0,	/* show what a mounted tree hides, too */
};

/**
 * struct cfs_walk_entry - one name
 * @path: absolute, NUL at the end; "/" for the root
 * @name: last component, inside @path; empty for the root
 * @depth: 0 for the root
 * @again: this inode was visited before, under another name
 */
struct cfs_walk_entry {
	const char *path;
	size_t path_len;
	const char *name;
	uint32_t depth;
	bool again;
	const struct cfs_inode *inode;
};

/**
 * typedef cfs_walk_fn - called once for each name, the root first
 *
 * Return: 0 to go on, CFS_WALK_PRUNE, or -errno to stop.
 */
typedef int (*cfs_walk_fn)(void *context, const struct cfs_walk_entry *entry);

/**
 * cfs_image_walk() - visit every name
 * @flags: CFS_WALK_*
 * @ret_path: where it failed, owned by the caller, NULL if not known; may be
 *	NULL; untouched on success
 *
 * Return: 0, what @fn returned, -ENOMEM, -EFSCORRUPTED, or what the reader
 * returned.
 */
int cfs_image_walk(const struct cfs_image *image, unsigned int flags,
		   cfs_walk_fn fn, void *context, char **ret_path);

/** cfs_image_slots() - upper bound of nids: the size of a bitmap of inodes */
static inline size_t cfs_image_slots(const struct cfs_image *image)
{
	return (size_t)(image->size >> CFS_SLOT_BITS);
}

#endif /* CACHE_IMAGE_WALK_H */
