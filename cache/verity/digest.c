// SPDX-License-Identifier: GPL-2.0-or-later
/* A digest, its text form and its object name. */
#include "cache/verity/digest.h"

#include <errno.h>

#include "cache/base/hex.h"

int cfs_digest_parse(const char *text, size_t len, struct cfs_digest *ret)
{
	struct cfs_digest digest;

	if (len != CFS_DIGEST_HEX_LEN)
		return -EINVAL;
	if (hex_decode(text, CFS_DIGEST_LEN, digest.bytes) < 0)
		return -EINVAL;
	*ret = digest;
	return 0;
}

void cfs_digest_format(const struct cfs_digest *digest,
		       char ret[CFS_DIGEST_HEX_LEN + 1])
{
	hex_encode(digest->bytes, CFS_DIGEST_LEN, ret);
}

int cfs_object_name_parse(const char *name, size_t len, struct cfs_digest *ret)
{
	struct cfs_digest digest;

	if (len != CFS_OBJECT_NAME_LEN || name[2] != '/')
		return -EINVAL;
	if (hex_decode(name, 1, digest.bytes) < 0)
		return -EINVAL;
	if (hex_decode(name + 3, CFS_DIGEST_LEN - 1, digest.bytes + 1) < 0)
		return -EINVAL;
	*ret = digest;
	return 0;
}

void cfs_object_name_format(const struct cfs_digest *digest,
			    char ret[CFS_OBJECT_NAME_LEN + 1])
{
	hex_encode(digest->bytes, 1, ret);
	ret[2] = '/';
	hex_encode(digest->bytes + 1, CFS_DIGEST_LEN - 1, ret + 3);
}
