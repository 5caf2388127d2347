/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many threads of work this process may run at once.  Any thread.
 */
#ifndef CACHE_BASE_PROCESSORS_H
#define CACHE_BASE_PROCESSORS_H

#include <sched.h>

/** processors() - those in the affinity mask; 1 if that can't be read */
static inline unsigned int processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return (unsigned int)CPU_COUNT(&set);
}

#endif /* CACHE_BASE_PROCESSORS_H */
