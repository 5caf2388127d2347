/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Get an image from the mirrors into the store: by NAME, or by digest.
 *
 * The digest is computed as the bytes arrive.  By name, what a mirror sends is
 * what the name means there (trust is the caller's affair); with an expected
 * digest nothing else is published.  If the store already has the image that the
 * mirror's ETag speaks of, its bytes are not sent again; the ETag is a hint: a
 * 304 counts only for the very object that was offered.
 *
 * Ownership: everything is borrowed until done.  Runs on the loop's thread.
 */
#ifndef FETCHER_ENGINE_IMAGE_H
#define FETCHER_ENGINE_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "cache/verity/digest.h"
#include "fetcher/http/get.h"

struct cfs_store;
struct fetch_config;
struct loop;

/**
 * struct image_request - which image
 * @name: image name, or NULL to get it by @expected under objects/
 * @expected: digest it must have, or NULL
 * @known: an image of the store that the name may still mean, or NULL
 */
struct image_request {
	const char *name;
	const struct cfs_digest *expected;
	const struct cfs_digest *known;
};

/**
 * struct image_answer - what came of it
 * @digest: of the image, which the store now has
 * @size: bytes fetched; 0 if the store had it
 * @mirror: base URL of the mirror it came from; borrowed
 * @reason: of a failure, one line
 */
struct image_answer {
	struct cfs_digest digest;
	uint64_t size;
	const char *mirror;
	char reason[HTTP_REASON_MAX + 32];
};

/**
 * image_fetch() - get an image, running @loop until it is there
 * @loop: not running
 * @store: where it goes; the name is not pinned
 * @config: mirrors and limits
 * @request: which image
 * @ret: filled on success; on failure only its reason and mirror are
 *
 * Return: 0, -ENOENT (no mirror has it), -EACCES (access denied), -EBADMSG (has
 * another digest), -EFBIG, -ETIMEDOUT, -EHOSTUNREACH, -EIO, or what the store gave.
 */
int image_fetch(struct loop *loop, struct cfs_store *store,
		const struct fetch_config *config,
		const struct image_request *request, struct image_answer *ret);

#endif /* FETCHER_ENGINE_IMAGE_H */
