/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fills the allow list from images: those that STORE/images names, or a chosen
 * few.
 *
 * An image is read once, when it is first seen.  Images are never taken off
 * again by themselves: one that lost its name may still be mounted.
 *
 * Ownership: allow_scan_new() gives the caller a scan to allow_scan_free(); it
 * owns its allow list.  Reading an image blocks, for about as long as an `ls -lR` of
 * it.  Single-threaded.
 */
#ifndef FETCHER_ALLOW_SCAN_H
#define FETCHER_ALLOW_SCAN_H

#include <stddef.h>

#include "cache/verity/digest.h"
#include "fetcher/allow/list.h"
#include "fetcher/allow/paths.h"

struct allow_scan;
struct cfs_store;

enum {
	ALLOW_SCAN_SAME = 1,	/* nothing new since the last time */
};

/**
 * struct allow_image - an image whose objects are listed
 * @name: one of its names in images/, or NULL
 * @slot: its slot in the allow list, shared from ALLOW_IMAGES_MAX - 1 on
 * @err: 0, or why it is not (wholly) listed
 * @clashes: objects of which another image claims another size
 * @n_files: files whose content has no object's name, so that it can't be fetched
 * @file: one of them, in the image; NULL if there is none, or without memory
 */
struct allow_image {
	struct cfs_digest digest;
	char *name;
	int slot;
	int err;
	size_t clashes;
	size_t n_files;
	char *file;
};

/**
 * allow_scan_new() - read the images
 * @store: borrowed
 * @only: digests of the images to list, copied; NULL for all in STORE/images
 * @n_only: how many
 * @ret: owned by the caller; untouched on failure
 *
 * An image that can't be read is no failure: see ->err.
 *
 * Return: 0, -ENOMEM or what reading STORE/images gave.
 */
int allow_scan_new(struct cfs_store *store, const struct cfs_digest *only,
		   size_t n_only, struct allow_scan **ret);

/** allow_scan_free() - NULL is allowed */
void allow_scan_free(struct allow_scan *scan);

/**
 * allow_scan_refresh() - list images that were not there the last time
 *
 * Costs one stat() if STORE/images did not change.
 *
 * Return: 0 if some were added, ALLOW_SCAN_SAME, or -errno.
 */
int allow_scan_refresh(struct allow_scan *scan);

/** allow_scan_again() - forget all images and read those that are there now */
int allow_scan_again(struct allow_scan *scan);

/** allow_scan_list() - the allow list; borrowed */
struct allow_list *allow_scan_list(struct allow_scan *scan);

/** allow_scan_paths() - what else the images open; borrowed until the next scan */
const struct allow_paths *allow_scan_paths(const struct allow_scan *scan);

/** allow_scan_changes() - how often an image was read: counts up with each */
uint64_t allow_scan_changes(const struct allow_scan *scan);

/** allow_scan_images() - what was read; borrowed until the next scan */
const struct allow_image *allow_scan_images(const struct allow_scan *scan,
					    size_t *ret_n);

#endif /* FETCHER_ALLOW_SCAN_H */
