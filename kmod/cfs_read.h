/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Private to cfs_*.c: the ways to the bytes of an image.
 */
#ifndef CFS_READ_H
#define CFS_READ_H

#include "cfs_image.h"

/**
 * cfs_read() - copy bytes of the image
 * @offset: untrusted, like @len: what is not inside the image is -EFSCORRUPTED
 */
int cfs_read(const struct cfs_image *image, u64 offset, void *buf, size_t len);

/**
 * cfs_data_lend() - as cfs_data_read(), without a copy
 * @len: bytes of one block of @inode's data
 * @loan: to be given back by the source's ->give_back() after success
 *
 * Only of a source that lends.
 */
int cfs_data_lend(const struct cfs_image *image, const struct cfs_inode *inode,
		  u64 offset, size_t len, struct cfs_loan *loan);

#endif /* CFS_READ_H */
