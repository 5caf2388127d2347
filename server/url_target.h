/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The closed list of URLs, and the file that each of them means.
 *
 *	/objects/aa/<62 hex>		an object
 *	/images/NAME			the image that the name pins
 *	/mirror				what else this mirror has
 *	/verity/aa/<62 hex>		an object's Merkle tree
 *	/zst/aa/<62 hex>		a compressed object
 *	/profiles/<64 hex>[.NAME]	a profile of an image
 *	/packs/NAME			a pack
 *	/healthz, /metrics		the server about itself
 *
 * Everything else is nothing: it is turned away before the file system hears of
 * it.  There is no decoding and no path arithmetic, so no "..", no "//" and no
 * "%2e" exists here: the path of a file is put together from parts whose every
 * character was checked.  NAME is an image name (cache/store/store.h).
 *
 * Values only; pure.
 */
#ifndef SERVER_URL_TARGET_H
#define SERVER_URL_TARGET_H

#include <stddef.h>

#include "cache/verity/digest.h"
#include "cache/store/store.h"

enum {
	URL_TARGET_UNKNOWN = 1,		/* answer 404 */
};

enum url_kind {
	URL_OBJECT,
	URL_IMAGE,
	URL_MIRROR,
	URL_VERITY,
	URL_ZST,
	URL_PROFILE,
	URL_PACK,
	URL_HEALTHZ,
	URL_METRICS,
};

/* "profiles/", a digest, a dot, a name and a NUL */
#define URL_PATH_MAX	(9 + CFS_DIGEST_HEX_LEN + 1 + CFS_IMAGE_NAME_MAX + 1)

struct url_target {
	enum url_kind kind;
	struct cfs_digest digest;	/* URL_OBJECT */
	char name[CFS_IMAGE_NAME_MAX + 1];	/* URL_IMAGE */
	char path[URL_PATH_MAX];	/* of the file, below STORE; else "" */
};

/**
 * url_target_parse() - what does a request's target mean?
 * @text: the target as it was sent; need not end in a NUL
 * @len: number of characters
 * @ret: its meaning; contents undefined unless 0 is returned
 *
 * Return: 0 or URL_TARGET_UNKNOWN.
 */
int url_target_parse(const char *text, size_t len, struct url_target *ret);

/** url_target_object() - the target that /objects/... of a digest would give */
void url_target_object(const struct cfs_digest *digest, struct url_target *ret);

#endif /* SERVER_URL_TARGET_H */
