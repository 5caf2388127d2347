/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an argument of cfs-seed means.
 *
 *	64 hex digits		an image, by digest
 *	with a '/' in it	a file: an image, or a profile (digests, one a line)
 *	anything else		an image, by the name it has on the mirrors
 *
 * Ownership: everything is borrowed for the duration of the call.  Keep gc out
 * (cache/store/lock.h) until all arguments are resolved: images are pinned here.
 */
#ifndef FETCHER_SEED_ARGUMENT_H
#define FETCHER_SEED_ARGUMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "cache/verity/digest.h"

struct cfs_store;
struct errmsg;
struct fetch_config;
struct loop;
struct seed_plan;

/**
 * struct seed_target - where wishes go, and what is needed to find them
 * @loop: not running; used if an image has to be fetched
 * @config: mirrors; there may be none if nothing has to be fetched
 * @name: to pin an image under, or NULL for the one it came by
 * @pin: give images a name
 */
struct seed_target {
	struct cfs_store *store;
	struct loop *loop;
	const struct fetch_config *config;
	struct seed_plan *plan;
	const char *name;
	bool pin;
};

/**
 * struct seed_meaning - what an argument turned out to be
 * @is_profile: else an image
 * @digest: of the image
 * @fetched: bytes of the image that were downloaded
 * @listed: digests in the profile
 * @strange: those that no image of the store names; they are left out
 * @bad_lines: of the profile, that are no digests
 * @too_long: the profile is, and was read in part
 */
struct seed_meaning {
	bool is_profile;
	struct cfs_digest digest;
	uint64_t fetched;
	uint64_t listed;
	uint64_t strange;
	uint64_t bad_lines;
	bool too_long;
};

/**
 * seed_what() - add what an argument means to the plan
 * @target: where to
 * @what: the argument
 * @ret: filled on success
 * @msg: why not
 *
 * Return: 0, -EINVAL (neither image nor profile, or no valid name), -ENOENT,
 * -EUCLEAN (a malformed image), or as image_fetch().
 */
int seed_what(const struct seed_target *target, const char *what,
	      struct seed_meaning *ret, struct errmsg *msg);

#endif /* FETCHER_SEED_ARGUMENT_H */
