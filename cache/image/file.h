/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An image in a file, read with pread() through a small cache.
 *
 * Never mapped: a file that is truncated meanwhile gives an error, not SIGBUS.
 * Memory is constant (1 MiB), whatever the size of the image.
 *
 * Ownership: cfs_image_file_open() gives the caller an image to
 * cfs_image_file_close().  One image file may be used by one thread at a time.
 */
#ifndef CACHE_IMAGE_FILE_H
#define CACHE_IMAGE_FILE_H

#include "kmod/cfs_image.h"

struct cfs_image_file;

/**
 * cfs_image_file_open() - open an image
 * @fd: readable regular file; its file position is not used; consumed, whatever
 *	is returned
 * @ret: the image, owned by the caller; untouched on failure
 *
 * Return: 0, -ENOMEM, -EINVAL (not a regular file), -EIO (shrank while it was
 * read), what cfs_image_open() returns, or what read said.
 */
int cfs_image_file_open(int fd, struct cfs_image_file **ret);

/** cfs_image_file_close() - NULL is allowed */
void cfs_image_file_close(struct cfs_image_file *file);

/** cfs_image_file_image() - the image to read; borrowed from @file */
const struct cfs_image *cfs_image_file_image(const struct cfs_image_file *file);

#endif /* CACHE_IMAGE_FILE_H */
