// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache/base/descriptor_limit.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <unistd.h>

/* With a higher limit it does not matter how many are open already. */
#define COUNTED_MAX	4096

void descriptor_limit_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

unsigned int descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > UINT_MAX)
		return UINT_MAX;
	return (unsigned int)limit.rlim_cur;
}

unsigned int descriptors_free(void)
{
	unsigned int limit = descriptor_limit(), n = 0;

	if (limit > COUNTED_MAX)
		return limit;
	for (unsigned int fd = 0; fd < limit; fd++)
		n += fcntl((int)fd, F_GETFD) < 0;
	return n;
}

bool descriptors_exhausted(void)
{
	int fd = open("/", O_PATH | O_CLOEXEC);

	if (fd < 0)
		return is_descriptor_error(-errno);
	close(fd);
	return false;
}
