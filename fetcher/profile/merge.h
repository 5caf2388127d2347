/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Add to the profile that cfs-fetch keeps of an image in the store,
 * STORE/profiles/<image digest>.recorded.
 *
 * It is replaced as a whole, and only if there is something new.  Two processes that
 * do so at once lose one another's news, which costs warmth only.
 */
#ifndef FETCHER_PROFILE_MERGE_H
#define FETCHER_PROFILE_MERGE_H

#include <stddef.h>

#include "cache/verity/digest.h"

struct cfs_store;

/* Most digests that such a profile grows to. */
#define PROFILE_MERGE_MAX	32768

/**
 * profile_merge() - append those that are not listed yet
 * @store: makes profiles/ in it
 * @image: whose profile
 * @digests: in order; borrowed
 * @n: how many
 *
 * Return: 0, -ENOMEM or -errno.
 */
int profile_merge(struct cfs_store *store, const struct cfs_digest *image,
		  const struct cfs_digest *digests, size_t n);

#endif /* FETCHER_PROFILE_MERGE_H */
