/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which objects does an image need?  Used for fetching, for garbage collection
 * and for telling what is missing.
 */
#ifndef CACHE_IMAGE_OBJECTS_H
#define CACHE_IMAGE_OBJECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "cache/verity/digest.h"
#include "kmod/cfs_image.h"

/**
 * struct cfs_image_object - the content of one regular file
 * @file: one path of the file in the image
 * @size: bytes
 * @has_digest: the image names a digest
 * @path: of the object below a basedir, checked, never leaves it; empty if the
 *	image names none.  An image made by a mkcomposefs has the object name
 *	of @digest here, but a dump can say anything.
 */
struct cfs_image_object {
	const char *file;
	uint64_t size;
	bool has_digest;
	struct cfs_digest digest;
	const char *path;
};

/**
 * typedef cfs_image_object_fn - called for each file with content outside the image
 * @object: borrowed for the duration of the call
 *
 * Return: 0 to go on, -errno to stop.
 */
typedef int (*cfs_image_object_fn)(void *context,
				   const struct cfs_image_object *object);

/**
 * cfs_image_objects() - visit the objects of an image
 * @image: borrowed for the duration of the call
 *
 * Each inode is visited once, however many names it has, but inodes with the same
 * content give the same object each time.  Order is that of the tree's names.
 * Time and memory as of a cfs_image_walk().
 *
 * Return: 0, what @fn returned, -ENOMEM, -EFSCORRUPTED, -EOPNOTSUPP (a digest that
 * is not SHA-256), or what the source returned.
 */
int cfs_image_objects(const struct cfs_image *image, cfs_image_object_fn fn,
		      void *context);

#endif /* CACHE_IMAGE_OBJECTS_H */
