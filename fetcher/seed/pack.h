/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bring in what packs of the images have, before the rest is asked for one by one.
 *
 * Of each image the pack with the name %SEED_PACK_NAME, which is to have everything,
 * else the one without a name.  What the store has is not fetched.  An image of which
 * only some objects are wanted, one by one, is passed over.
 *
 * Ownership: everything is borrowed for the duration of the call, which runs the loop.
 */
#ifndef FETCHER_SEED_PACK_H
#define FETCHER_SEED_PACK_H

#include "cache/verity/digest.h"
#include "fetcher/seed/download.h"

#define SEED_PACK_NAME	"all"
/* Wanted objects from which on an image is worth a look at its packs. */
#define SEED_PACK_MIN	64

/**
 * seed_pack() - bring in packs
 * @plan: settled; outcomes are for seed_fetch() to find out
 * @fetcher: has been told to ask for offers
 * @images: digests of images in the store
 * @options: as seed_fetch(); with a rate nothing is done
 *
 * Return: 0 (whether or not there are packs), -EINTR if it was told to stop, -ENOMEM
 * or what loop_run() gave.
 */
int seed_pack(const struct seed_plan *plan, struct loop *loop,
	      struct cfs_store *store, struct fetcher *fetcher,
	      const struct cfs_digest *images, size_t n_images,
	      const struct seed_fetch_options *options);

#endif /* FETCHER_SEED_PACK_H */
