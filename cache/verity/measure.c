// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel's own word on a file's digest. */
#include "cache/verity/measure.h"

#include <errno.h>
#include <linux/fsverity.h>
#include <sys/ioctl.h>

int cfs_object_measure(int fd, struct cfs_digest *ret)
{
	union {
		struct fsverity_digest digest;
		uint8_t room[sizeof(struct fsverity_digest) + 64];
	} u = { .digest.digest_size = 64 };

	if (ioctl(fd, FS_IOC_MEASURE_VERITY, &u.digest) < 0)
		return errno == ENOTTY ? -EOPNOTSUPP : -errno;
	if (u.digest.digest_algorithm != FS_VERITY_HASH_ALG_SHA256 ||
	    u.digest.digest_size != CFS_DIGEST_LEN)
		return -EBADMSG;
	memcpy(ret->bytes, u.digest.digest, CFS_DIGEST_LEN);
	return 0;
}
