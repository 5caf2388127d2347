/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tree written as an image: the last step, and the one call that takes all
 * steps (see plan.h).
 *
 * Ownership: the tree stays the caller's, but is changed: it can only be
 * released afterwards.
 */
#ifndef CACHE_BUILD_WRITE_H
#define CACHE_BUILD_WRITE_H

#include <stddef.h>
#include <stdint.h>

struct cfs_tree;
struct errmsg;

/**
 * typedef cfs_image_sink_fn - takes the next bytes of an image
 * @data: borrowed for the duration of the call
 *
 * Called from inside cfs_image_write(), in order, with large pieces.
 *
 * Return: 0, or -errno to stop.
 */
typedef int (*cfs_image_sink_fn)(void *context, const void *data, size_t len);

/**
 * cfs_image_write() - write a tree as an image
 * @tree: with a directory as its root; changed
 * @min_version: 0 or 1, the version of the format to use
 * @max_version: the version to use if the tree has a whiteout
 * @sink: gets the bytes
 * @context: passed to @sink
 * @msg: says what does not fit into the format; may be NULL
 *
 * Holds no copy of the image.
 *
 * Return: 0, -EINVAL if a version is above 1, -EFBIG if a file or the whole is
 * too large for the format, -ENOMEM, or what @sink returned.
 */
int cfs_image_write(struct cfs_tree *tree, uint32_t min_version,
		    uint32_t max_version, cfs_image_sink_fn sink, void *context,
		    struct errmsg *msg);

#endif /* CACHE_BUILD_WRITE_H */
