/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is an image of a store mounted?
 *
 * The kernel holds the file of a mounted image open, in whatever mount namespace
 * the mount is, and no process shows it among its descriptors.  So an image is
 * mounted if it is open (no lease can be had) and no process has it; if a process
 * has it too, such as a server, the tables of mounts are asked for its digest.
 */
#ifndef CACHE_PROGRAMS_IMAGE_IN_USE_H
#define CACHE_PROGRAMS_IMAGE_IN_USE_H

#include <stdbool.h>

#include "cache/verity/digest.h"

struct cfs_store;

/**
 * image_is_mounted() - does a mount use this image?
 *
 * False if it can't be found out: who asks must own the file or be root.
 */
bool image_is_mounted(struct cfs_store *store, const struct cfs_digest *digest);

#endif /* CACHE_PROGRAMS_IMAGE_IN_USE_H */
