// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/report/critical_path.h"

#include <errno.h>
#include <stdlib.h>

/* Up to this size the bytes themselves cost next to nothing. */
#define SMALL		16384

/* From this size on the speed of one transfer says something about the link. */
#define LARGE		(1 << 20)

static uint32_t begin_of(const struct record_entry *entry)
{
	uint32_t begin = entry->sent_ms;

	if (entry->asked_ms < begin)
		begin = entry->asked_ms;
	return begin == RECORD_NEVER ? entry->done_ms : begin;
}

static void count(const struct record_entry *entry, struct judgement *j)
{
	j->objects++;
	j->bytes += entry->size;
	if (entry->asked_ms == RECORD_NEVER) {
		j->ahead++;
		j->ahead_bytes += entry->size;
	} else if (entry->kind == FETCH_DEMAND) {
		j->missed++;
		j->missed_bytes += entry->size;
	} else {
		j->late++;
		j->late_bytes += entry->size;
	}
}

static void measure_link(const struct record_entry *entry, struct judgement *j)
{
	uint32_t ms;

	if (entry->sent_ms == RECORD_NEVER || entry->got_ms == RECORD_NEVER ||
	    entry->got_ms < entry->sent_ms)
		return;
	ms = entry->got_ms - entry->sent_ms;
	if (entry->size <= SMALL && ms < j->round_trip_ms)
		j->round_trip_ms = ms;
	if (entry->size >= LARGE && ms > 0 && entry->size * 1000 / ms > j->rate)
		j->rate = entry->size * 1000 / ms;
}

/* For sorting: entries that somebody waited for, by when they were there. */
struct wait {
	const struct record_entry *entry;
	size_t index;
};

static int compare_done(const void *a, const void *b)
{
	const struct record_entry *x = ((const struct wait *)a)->entry;
	const struct record_entry *y = ((const struct wait *)b)->entry;

	if (x->done_ms != y->done_ms)
		return x->done_ms < y->done_ms ? -1 : 1;
	return (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

static size_t collect_waits(const struct record *record, struct wait *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < record->n; i++)
		if (record->entries[i].asked_ms != RECORD_NEVER)
			ret[n++] = (struct wait){ &record->entries[i], i };
	if (n)
		qsort(ret, n, sizeof(*ret), compare_done);
	return n;
}

/* @waits from the end: how long the union of all [asked, done] is. */
static uint32_t sum_waits(const struct wait *waits, size_t n)
{
	uint32_t covered_from = RECORD_NEVER, sum = 0;

	while (n-- > 0) {
		uint32_t end = waits[n].entry->done_ms;
		uint32_t asked = waits[n].entry->asked_ms;

		if (end > covered_from)
			end = covered_from;
		if (asked < end)
			sum += end - asked;
		if (asked < covered_from)
			covered_from = asked;
	}
	return sum;
}

static void find_chain(const struct wait *waits, size_t n, struct judgement *j)
{
	uint32_t before = RECORD_NEVER;

	while (n-- > 0) {
		const struct record_entry *entry = waits[n].entry;

		if (entry->done_ms > before)
			continue;
		j->chain[j->n_chain++] = waits[n].index;
		j->chain_ms += entry->done_ms - entry->asked_ms;
		before = entry->asked_ms;
	}
	for (size_t i = 0; i < j->n_chain / 2; i++) {
		size_t index = j->chain[i];

		j->chain[i] = j->chain[j->n_chain - 1 - i];
		j->chain[j->n_chain - 1 - i] = index;
	}
}

static void guess_profile(struct judgement *j)
{
	uint64_t ms = j->last_ms - j->first_ms;

	if (j->round_trip_ms == RECORD_NEVER)
		j->round_trip_ms = 0;
	/* Without a large object: at least as fast as all of it together. */
	if (ms > 0 && j->bytes * 1000 / ms > j->rate)
		j->rate = j->bytes * 1000 / ms;
	ms = 2 * (uint64_t)j->round_trip_ms;
	if (j->rate)
		ms += (j->missed_bytes + j->late_bytes) * 1000 / j->rate;
	j->profile_ms = ms < RECORD_NEVER ? (uint32_t)ms : RECORD_NEVER;
}

int record_judge(const struct record *record, struct judgement *ret)
{
	struct judgement j = {
		.first_ms = RECORD_NEVER,
		.round_trip_ms = RECORD_NEVER,
	};
	struct wait *waits = calloc(record->n + 1, sizeof(*waits));
	size_t n;

	j.chain = calloc(record->n + 1, sizeof(*j.chain));
	if (!waits || !j.chain) {
		free(waits);
		free(j.chain);
		return -ENOMEM;
	}
	for (size_t i = 0; i < record->n; i++) {
		const struct record_entry *entry = &record->entries[i];

		count(entry, &j);
		measure_link(entry, &j);
		if (begin_of(entry) < j.first_ms)
			j.first_ms = begin_of(entry);
		if (entry->done_ms > j.last_ms)
			j.last_ms = entry->done_ms;
	}
	n = collect_waits(record, waits);
	if (n)
		j.last_ms = waits[n - 1].entry->done_ms;
	if (j.first_ms > j.last_ms)
		j.first_ms = j.last_ms;
	j.waited_ms = sum_waits(waits, n);
	find_chain(waits, n, &j);
	guess_profile(&j);
	free(waits);
	*ret = j;
	return 0;
}

void judgement_free(struct judgement *judgement)
{
	free(judgement->chain);
	judgement->chain = NULL;
}
