/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Batches of objects, deep trees and crowds of clients need more than the usual
 * 1024 descriptors: programs ask for all they may have.
 */
#ifndef CACHE_BASE_DESCRIPTOR_LIMIT_H
#define CACHE_BASE_DESCRIPTOR_LIMIT_H

#include <sys/resource.h>

/** descriptor_limit_raise() - as far as it goes; failing costs nothing but that */
static inline void descriptor_limit_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

#endif /* CACHE_BASE_DESCRIPTOR_LIMIT_H */
