/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Check a whole image before somebody less careful reads it: every name, inode,
 * xattr, symlink and object of it, hidden ones too.
 */
#ifndef CACHE_IMAGE_CHECK_H
#define CACHE_IMAGE_CHECK_H

#include "kmod/cfs_image.h"

/**
 * cfs_image_check() - is every byte of this image that a mount can reach sound?
 * @image: borrowed for the duration of the call
 * @ret_path: where it is not, owned by the caller, NULL if not known; may be
 *	NULL; untouched on success
 *
 * Time and memory as of a cfs_image_walk().  Says nothing about objects: not
 * whether they exist, nor whether they are what the image says.
 *
 * Return: 0, -EFSCORRUPTED, -EOPNOTSUPP, -ENOMEM, or what the source returned.
 */
int cfs_image_check(const struct cfs_image *image, char **ret_path);

#endif /* CACHE_IMAGE_CHECK_H */
