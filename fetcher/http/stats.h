/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the engine counts.  Plain numbers, written on the loop's thread only and
 * read there (for a status answer) without further ado; all but the gauges only
 * grow.
 */
#ifndef FETCHER_HTTP_STATS_H
#define FETCHER_HTTP_STATS_H

#include <stddef.h>
#include <stdint.h>

/* How one GET ended. */
enum fetch_result {
	FETCH_RESULT_OK,
	FETCH_RESULT_NOT_MODIFIED,	/* 304 to If-None-Match */
	FETCH_RESULT_MISSING,		/* 404, 410 */
	FETCH_RESULT_DENIED,		/* 401, 403 */
	FETCH_RESULT_PROXY,		/* the proxy refuses: 407, or CONNECT */
	FETCH_RESULT_BUSY,		/* 429, 503 */
	FETCH_RESULT_STATUS,		/* any other status that is not success */
	FETCH_RESULT_UNREACHABLE,	/* no address, refused, no route, reset */
	FETCH_RESULT_TIMEOUT,		/* one of the time limits */
	FETCH_RESULT_TLS,		/* certificate or handshake */
	FETCH_RESULT_SHORT,		/* fewer bytes than promised */
	FETCH_RESULT_BAD_SIZE,		/* other bytes than the object has, or more */
	FETCH_RESULT_RANGE,		/* the rest was asked for; something else came */
	FETCH_RESULT_REDIRECT,		/* too many, or to where it may not lead */
	FETCH_RESULT_PROTOCOL,		/* not HTTP as we know it */
	FETCH_RESULT_BAD_DIGEST,	/* all bytes came, and they are not the object */
	FETCH_RESULT_CANCELLED,		/* nobody waits any more */
	FETCH_RESULT_LOCAL,		/* our own fault: memory, store */
	FETCH_RESULT_DESCRIPTORS,	/* the same, for now: too many open files */
	N_FETCH_RESULTS,
};

/** fetch_result_name() - one word for logs and labels */
const char *fetch_result_name(enum fetch_result result);

/*
 * Time from request to last byte: bucket i counts what took less than
 * 2^i milliseconds, the last one all the rest.
 */
#define STATS_N_BUCKETS	18

struct stats_histogram {
	uint64_t bucket[STATS_N_BUCKETS];
	uint64_t sum_ms;
	uint64_t n;
};

/** stats_histogram_add() - count one */
void stats_histogram_add(struct stats_histogram *histogram, uint64_t ms);

struct mirror_stats {
	uint64_t requests;
	uint64_t bytes;			/* of bodies */
	uint64_t results[N_FETCH_RESULTS];
	struct stats_histogram latency;	/* of answers with a body we wanted */
	unsigned int in_flight;		/* gauge */
};

struct fetch_stats {
	uint64_t objects;		/* fetched and published */
	uint64_t object_bytes;
	uint64_t delivered;		/* of objects: from packs, without a GET */
	uint64_t expanded;		/* of objects: that came compressed */
	uint64_t existed;		/* asked for, and in the store by then */
	uint64_t failed;		/* answered with an error */
	uint64_t cancelled;		/* nobody waited any more */
	uint64_t retries;		/* GETs after the first for one object */
	uint64_t hedges;		/* GETs beside a late one, to another mirror */
	uint64_t hedges_won;		/* of these: brought the object */
	uint64_t syncs, sync_errors;
	uint64_t collections;		/* of what no image needs */
	uint64_t collected_objects, collected_bytes;
	struct stats_histogram wait;	/* from the first miss to the answer */
	unsigned int queued;		/* gauge: fetches without a GET */
	unsigned int in_flight;		/* gauge: fetches with a GET */
	unsigned int sealing;		/* gauge: fetches being hashed or published */
	unsigned int waiters;		/* gauge */
};

#endif /* FETCHER_HTTP_STATS_H */
