/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A digest: the fs-verity SHA-256 of a file (4096-byte blocks, no salt), its
 * text form, and the object name made of it.  Values only: nothing here
 * allocates, and every buffer is borrowed for the duration of the call.
 *
 *	text form	64 lower-case hex digits
 *	object name	"aa/" and the other 62 digits
 */
#ifndef CACHE_VERITY_DIGEST_H
#define CACHE_VERITY_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CFS_DIGEST_LEN		32
#define CFS_DIGEST_HEX_LEN	64
#define CFS_OBJECT_NAME_LEN	65

struct cfs_digest {
	uint8_t bytes[CFS_DIGEST_LEN];
};

static inline bool cfs_digest_equal(const struct cfs_digest *a,
				    const struct cfs_digest *b)
{
	return memcmp(a->bytes, b->bytes, CFS_DIGEST_LEN) == 0;
}

/**
 * cfs_digest_parse() - read a digest's text form
 * @text: the digits; need not end in a NUL
 * @len: number of characters; anything but 64 is refused
 * @ret: the digest; untouched on failure
 *
 * Return: 0 or -EINVAL.
 */
int cfs_digest_parse(const char *text, size_t len, struct cfs_digest *ret);

/** cfs_digest_format() - write a digest's text form and a NUL */
void cfs_digest_format(const struct cfs_digest *digest,
		       char ret[CFS_DIGEST_HEX_LEN + 1]);

/**
 * cfs_object_name_parse() - read an object name
 * @name: "aa/" and 62 digits; need not end in a NUL
 * @len: number of characters; anything but 65 is refused
 * @ret: the digest; untouched on failure
 *
 * Return: 0 or -EINVAL.
 */
int cfs_object_name_parse(const char *name, size_t len, struct cfs_digest *ret);

/** cfs_object_name_format() - write the object name of a digest and a NUL */
void cfs_object_name_format(const struct cfs_digest *digest,
			    char ret[CFS_OBJECT_NAME_LEN + 1]);

#endif /* CACHE_VERITY_DIGEST_H */
