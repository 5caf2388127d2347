/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a recorded start took as long as it did.
 *
 * The critical path is read backwards: the last object that somebody waited for;
 * before it, the one that came last among those that had come when it was asked for;
 * and so on.  Its waits happened one after the other, so their sum is time that
 * fetching cost; what lies between them is work, or waiting on something else.
 *
 * Ownership: record_judge() fills a struct of the caller's, which owns its chain until
 * judgement_free().  Pure.
 */
#ifndef FETCHER_REPORT_CRITICAL_PATH_H
#define FETCHER_REPORT_CRITICAL_PATH_H

#include <stddef.h>
#include <stdint.h>

#include "fetcher/profile/record.h"

/**
 * struct judgement - what can be said
 * @first_ms: when the first GET was sent or the first reader came
 * @last_ms: when the last object that somebody waited for was there; without any,
 *	the last object at all
 * @missed: objects that somebody waited for and nobody had begun to fetch
 * @late: fetched ahead, but somebody had to wait for the rest of it
 * @ahead: fetched ahead, and nobody had asked for it by then
 * @waited_ms: time in which somebody waited
 * @chain: indices of the critical path's entries, in order
 * @chain_ms: sum of its waits
 * @round_trip_ms: shortest time from a GET to the last byte of a small object
 * @rate: bytes a second, the most that was seen
 * @profile_ms: what the bytes of @missed and @late would have cost with a profile that
 *	lists them: two round trips, and the time at @rate
 */
struct judgement {
	uint32_t first_ms, last_ms;
	uint64_t objects, bytes;
	uint64_t missed, missed_bytes;
	uint64_t late, late_bytes;
	uint64_t ahead, ahead_bytes;
	uint32_t waited_ms;
	size_t *chain;
	size_t n_chain;
	uint32_t chain_ms;
	uint32_t round_trip_ms;
	uint64_t rate;
	uint32_t profile_ms;
};

/**
 * record_judge() - look at a record
 * @record: in any order
 * @ret: untouched on failure
 *
 * Return: 0 or -ENOMEM.
 */
int record_judge(const struct record *record, struct judgement *ret);

void judgement_free(struct judgement *judgement);

#endif /* FETCHER_REPORT_CRITICAL_PATH_H */
