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
 * enum cfs_need - what the content of a regular file is read from
 *
 * A mount opens the path that the image gives, whatever the digest is, while
 * mirrors know objects by their digest only.  So a file can be fetched if both
 * are the same name; that is decided here for all programs:
 *
 *	need			fetched by	opened with
 *	(not visited)		-		inline in the image, or empty
 *	%CFS_NEED_OBJECT	digest		each verity_check
 *	%CFS_NEED_NAMED		digest		verity_check 0 and 1: the image has
 *						no digest to check it with
 *	%CFS_NEED_FILE		nothing		a basedir that has the path
 */
enum cfs_need {
	CFS_NEED_OBJECT,	/* the object with the image's digest */
	CFS_NEED_NAMED,		/* no digest, but the path is an object's name */
	CFS_NEED_FILE,		/* a path that is not the object's name, or none */
};

/**
 * struct cfs_image_object - the content of one regular file
 * @file: one path of the file in the image
 * @size: bytes
 * @need: how the content can be had
 * @has_digest: the image names a digest
 * @digest: to fetch the content by, if @need is not %CFS_NEED_FILE; then it is
 *	the image's if @has_digest, else zeros
 * @path: of the object below a basedir, checked, never leaves it; empty if the
 *	image names none.  An image made by a mkcomposefs has the object name
 *	of @digest here, but a dump can say anything.
 */
struct cfs_image_object {
	const char *file;
	uint64_t size;
	enum cfs_need need;
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
 * The one definition of what an image needs: a program that fetches, counts,
 * keeps or misses objects goes by @need of each.
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
