/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Private to cfs_*.c: the one way to the bytes of an image.
 */
#ifndef CFS_READ_H
#define CFS_READ_H

#include "cfs_image.h"

/**
 * cfs_read() - copy bytes of the image
 * @offset: untrusted, like @len: what is not inside the image is -EFSCORRUPTED
 */
int cfs_read(const struct cfs_image *image, u64 offset, void *buf, size_t len);

#endif /* CFS_READ_H */
