/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a mount is made of: an image file, or an image on a mirror.
 *
 *	http://HOST[:PORT][/PATH]/images/NAME
 *	http://HOST[:PORT][/PATH]/objects/aa/<62 hex>
 *
 * and the same with https, s3+http and s3+https, in small letters or capitals.  What stands
 * before /images/ or /objects/ is the mirror's base URL.  Everything else that begins as a
 * URL does is refused: it would be taken for a file of that name.
 *
 * Ownership: struct mount_source owns its string, to mount_source_free().
 */
#ifndef CACHE_MOUNT_SOURCE_H
#define CACHE_MOUNT_SOURCE_H

#include <stdbool.h>

#include "cache/base/errmsg.h"
#include "cache/verity/digest.h"
#include "cache/store/store.h"

/**
 * struct mount_source - an image on a mirror
 * @mirror: base URL, without a slash at the end; owned
 * @name: image name, or empty if the URL names the image by @digest
 */
struct mount_source {
	char *mirror;
	char name[CFS_IMAGE_NAME_MAX + 1];
	struct cfs_digest digest;
};

/** mount_source_is_url() - does it begin with a scheme, known or not? */
bool mount_source_is_url(const char *text);

/**
 * mount_source_parse() - take an image's URL apart
 * @url: one that mount_source_is_url()
 * @ret: untouched on failure
 * @msg: says what is wrong
 *
 * Return: 0, -EINVAL or -ENOMEM.
 */
int mount_source_parse(const char *url, struct mount_source *ret,
		       struct errmsg *msg);

/** mount_source_free() - release what it holds; the struct is the caller's */
void mount_source_free(struct mount_source *source);

#endif /* CACHE_MOUNT_SOURCE_H */
