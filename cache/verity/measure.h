/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's own word on a file's digest.  Everything is borrowed for the
 * duration of the call; nothing here reads the file's bytes.
 */
#ifndef CACHE_VERITY_MEASURE_H
#define CACHE_VERITY_MEASURE_H

#include <stdbool.h>

#include "cache/verity/digest.h"

/**
 * cfs_object_measure() - ask the kernel for a file's fs-verity digest
 * @fd: any open file
 * @ret: the digest; untouched on failure
 *
 * Return: 0; -ENODATA if the file is not sealed, -EOPNOTSUPP if its file system
 * can't seal, -EBADMSG if it is sealed with another algorithm than SHA-256; or
 * -errno.
 */
int cfs_object_measure(int fd, struct cfs_digest *ret);

#endif /* CACHE_VERITY_MEASURE_H */
