/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a server counts, and Prometheus' text form of it.
 *
 * Ownership: a struct metrics lies in its worker's memory and is written by that
 * worker only; any thread may read it at any time.
 */
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

#include <stddef.h>
#include <stdint.h>

enum metric {
	METRIC_CONNECTIONS,		/* accepted so far */
	METRIC_OPEN,			/* open at the moment */
	METRIC_REFUSED_PEER,		/* one peer had too many */
	METRIC_REFUSED_TOTAL,		/* all together had too many */
	METRIC_GAVE_WAY,		/* idle or slow, closed for a newcomer */
	METRIC_CUT_SLOW,		/* did not send or take bytes in time */
	METRIC_2XX,
	METRIC_3XX,
	METRIC_4XX,
	METRIC_5XX,
	METRIC_BYTES,			/* of bodies that were sent */
	METRIC_CACHE_HITS,
	METRIC_CACHE_MISSES,
	METRIC_REJECTED_FILES,		/* not regular, not sealed, wrong digest */
	METRIC_READ_ERRORS,
	METRIC_LOG_DROPPED,
	N_METRICS,
};

struct metrics {
	uint64_t values[N_METRICS];
};

static inline void metrics_add(struct metrics *metrics, enum metric metric,
			       int64_t n)
{
	uint64_t *value = &metrics->values[metric];

	/* One writer: no read-modify-write cycle is needed. */
	__atomic_store_n(value, *value + (uint64_t)n, __ATOMIC_RELAXED);
}

/** metrics_sum() - add @metrics to @ret */
void metrics_sum(const struct metrics *metrics, struct metrics *ret);

/**
 * metrics_format() - write the text form
 *
 * Return: the text, NUL-terminated, for the caller to free; or NULL without
 * memory.
 */
char *metrics_format(const struct metrics *sum);

#endif /* SERVER_METRICS_H */
