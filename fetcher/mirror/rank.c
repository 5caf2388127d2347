// SPDX-License-Identifier: GPL-2.0-or-later
/* How quick, how reliable, how silent: the order among the healthy mirrors. */
#include "fetcher/mirror/rank.h"

/* Two mirrors on one network differ by less than this for no reason at all. */
#define SLOW_FLOOR_MS	10
#define SLOW_LEVELS	4
/* A measurement loses one level of slowness in each such time. */
#define STALE_MS	10000

/* A body that takes less says nothing of its mirror: a processor was busy, perhaps. */
#define PACE_NOISE_MS	40

#define PATIENCE_UNKNOWN_MS	1000
#define PATIENCE_MIN_MS		50
#define SILENT_MIN_MS		250

#define ERRORS_ALL	1024
#define ERRORS_WEIGHT	16

void mirror_rank_sent(struct mirror_rank *rank, uint64_t now_ms)
{
	if (!rank->unheard_since_ms)
		rank->unheard_since_ms = now_ms;
}

void mirror_rank_heard(struct mirror_rank *rank, uint64_t now_ms, bool awaited)
{
	rank->unheard_since_ms = awaited ? now_ms : 0;
}

void mirror_rank_measured(struct mirror_rank *rank, uint64_t now_ms,
			  uint64_t first_byte_ms)
{
	uint64_t average = rank->first_byte_ms, difference;

	rank->measured_at_ms = now_ms;
	if (!average) {
		rank->first_byte_ms = first_byte_ms ? first_byte_ms : 1;
		rank->deviation_ms = first_byte_ms / 2;
		return;
	}
	difference = first_byte_ms > average ? first_byte_ms - average :
					       average - first_byte_ms;
	rank->deviation_ms = (3 * rank->deviation_ms + difference) / 4;
	rank->first_byte_ms = (7 * average + first_byte_ms) / 8;
	if (!rank->first_byte_ms)
		rank->first_byte_ms = 1;
}

void mirror_rank_paced(struct mirror_rank *rank, uint64_t now_ms, uint64_t bytes,
		       uint64_t ms)
{
	if (ms < PACE_NOISE_MS)
		ms = 0;
	if (!rank->paced_at_ms || now_ms > rank->paced_at_ms + STALE_MS) {
		rank->body_ms = 0;
		rank->body_bytes = 0;
	}
	rank->body_ms = rank->body_ms * 7 / 8 + ms;
	rank->body_bytes = rank->body_bytes * 7 / 8 + bytes;
	rank->paced_at_ms = now_ms;
	rank->measured_at_ms = now_ms;
}

/* Time of a body, by the pace of the others. */
static uint64_t body_ms(const struct mirror_rank *rank, uint64_t bytes)
{
	uint64_t kib = rank->body_bytes / 1024 + 1;

	if (bytes > UINT32_MAX)
		bytes = UINT32_MAX;
	return rank->body_ms * (bytes / 1024 + 1) / kib;
}

uint64_t mirror_rank_expected_ms(const struct mirror_rank *rank, uint64_t bytes)
{
	if (!rank->first_byte_ms && !rank->paced_at_ms)
		return 0;
	return (rank->first_byte_ms ? rank->first_byte_ms : 1) +
	       body_ms(rank, bytes);
}

void mirror_rank_counted(struct mirror_rank *rank, bool failed)
{
	unsigned int now = failed ? ERRORS_ALL : 0;

	rank->errors = ((ERRORS_WEIGHT - 1) * rank->errors + now) /
		       ERRORS_WEIGHT;
}

uint64_t mirror_rank_patience_ms(const struct mirror_rank *rank)
{
	uint64_t ms = rank->first_byte_ms + 4 * rank->deviation_ms;

	if (!rank->first_byte_ms)
		return PATIENCE_UNKNOWN_MS;
	return ms < PATIENCE_MIN_MS ? PATIENCE_MIN_MS : ms;
}

bool mirror_rank_silent(const struct mirror_rank *rank, uint64_t now_ms)
{
	uint64_t ms = 2 * mirror_rank_patience_ms(rank);

	if (ms < SILENT_MIN_MS)
		ms = SILENT_MIN_MS;
	return rank->unheard_since_ms && now_ms > rank->unheard_since_ms + ms;
}

/* 0: at most twice the quickest; 1: at most four times; ... */
static unsigned int slowness(const struct mirror_rank *rank, uint64_t now_ms,
			     uint64_t quickest_ms)
{
	uint64_t ms = mirror_rank_expected_ms(rank, MIRROR_RANK_BYTES);
	unsigned int level = 0;
	uint64_t stale, limit;

	if (quickest_ms == UINT64_MAX)
		return 0;
	limit = 2 * (quickest_ms < SLOW_FLOOR_MS ? SLOW_FLOOR_MS : quickest_ms);
	for (; level < SLOW_LEVELS && ms > limit; level++)
		limit *= 2;
	/* One request finds out whether it is better by now. */
	if (rank->unheard_since_ms)
		return level;
	stale = (now_ms - rank->measured_at_ms) / STALE_MS;
	return stale < level ? level - stale : 0;
}

/* One in sixteen is bad luck; every second one is as bad as slow can be. */
static unsigned int unreliability(const struct mirror_rank *rank)
{
	if (rank->errors > ERRORS_ALL / 2)
		return SLOW_LEVELS;
	if (rank->errors > ERRORS_ALL / 4)
		return 2;
	return rank->errors > ERRORS_ALL / 8;
}

unsigned int mirror_rank_demerits(const struct mirror_rank *rank,
				  uint64_t now_ms, uint64_t quickest_ms)
{
	unsigned int n = slowness(rank, now_ms, quickest_ms) +
			 unreliability(rank);

	if (mirror_rank_silent(rank, now_ms))
		n += 2 * SLOW_LEVELS;
	if (now_ms < rank->wrong_until_ms)
		n += 4 * SLOW_LEVELS;
	return n;
}
