// SPDX-License-Identifier: GPL-2.0-or-later
/* Words and buckets of what the engine counts. */
#include "fetcher/http/stats.h"

static const char *const names[N_FETCH_RESULTS] = {
	[FETCH_RESULT_OK] = "ok",
	[FETCH_RESULT_NOT_MODIFIED] = "not_modified",
	[FETCH_RESULT_MISSING] = "missing",
	[FETCH_RESULT_DENIED] = "denied",
	[FETCH_RESULT_PROXY] = "proxy",
	[FETCH_RESULT_BUSY] = "busy",
	[FETCH_RESULT_STATUS] = "status",
	[FETCH_RESULT_UNREACHABLE] = "unreachable",
	[FETCH_RESULT_TIMEOUT] = "timeout",
	[FETCH_RESULT_TLS] = "tls",
	[FETCH_RESULT_SHORT] = "short",
	[FETCH_RESULT_BAD_SIZE] = "bad_size",
	[FETCH_RESULT_RANGE] = "range",
	[FETCH_RESULT_REDIRECT] = "redirect",
	[FETCH_RESULT_PROTOCOL] = "protocol",
	[FETCH_RESULT_BAD_DIGEST] = "bad_digest",
	[FETCH_RESULT_CANCELLED] = "cancelled",
	[FETCH_RESULT_LOCAL] = "local",
	[FETCH_RESULT_DESCRIPTORS] = "descriptors",
};

const char *fetch_result_name(enum fetch_result result)
{
	return names[result];
}

void stats_histogram_add(struct stats_histogram *histogram, uint64_t ms)
{
	unsigned int i = 0;

	while (i < STATS_N_BUCKETS - 1 && ms >= (uint64_t)1 << i)
		i++;
	histogram->bucket[i]++;
	histogram->sum_ms += ms;
	histogram->n++;
}
