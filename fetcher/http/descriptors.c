// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/http/descriptors.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>

#include "cache/base/descriptor_limit.h"
#include "fetcher/http/config.h"

/* A connection, the file, and a moment's second one of either. */
#define OF_TRANSFER	3
/* libcurl's own, a look into a folder, a name server. */
#define OF_CLIENT	6
/* With fewer than this nothing gets on. */
#define LEAST		8
/* Objects in parts keep three files each: below so many transfers there are none. */
#define TRANSFERS_FOR_PARTS	8
/* A second set of connections, for streams of many objects, needs more. */
#define TRANSFERS_FOR_BULK	32

unsigned int descriptors_threads(unsigned int wanted)
{
	unsigned int limit = descriptor_limit();

	/* Each may have a file open that nobody counts. */
	if (limit >= 256)
		return wanted;
	limit = limit / 16 ? limit / 16 : 1;
	return wanted && wanted < limit ? wanted : limit;
}

int descriptors_fit(struct fetch_config *config, unsigned int n_threads,
		    unsigned int reserved)
{
	unsigned int n = descriptors_free();

	if (n_threads == 0 || n_threads > 16)
		n_threads = 16;
	reserved += OF_CLIENT + n_threads;
	if (n < LEAST)
		return -EMFILE;
	/* Not all that is reserved is open at once: one transfer gets on. */
	n = n > reserved + OF_TRANSFER ? (n - reserved) / OF_TRANSFER : 1;
	if (n >= config->max_transfers)
		return 0;
	config->max_transfers = n;
	config->max_files = n;
	if (n < TRANSFERS_FOR_BULK &&
	    (!config->max_connections || config->max_connections > n))
		config->max_connections = n;
	if (n < TRANSFERS_FOR_PARTS)
		config->large_size = UINT64_MAX;
	return (int)n;
}
