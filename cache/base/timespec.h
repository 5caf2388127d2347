/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_BASE_TIMESPEC_H
#define CACHE_BASE_TIMESPEC_H

#include <time.h>

/** timespec_compare() - negative, 0 or positive: is @a before, equal to or after @b? */
static inline int timespec_compare(const struct timespec *a,
				   const struct timespec *b)
{
	if (a->tv_sec != b->tv_sec)
		return a->tv_sec < b->tv_sec ? -1 : 1;
	if (a->tv_nsec != b->tv_nsec)
		return a->tv_nsec < b->tv_nsec ? -1 : 1;
	return 0;
}

#endif
