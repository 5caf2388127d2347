/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rate limit: a budget of bytes that fills with time.  As long as it is not
 * negative something may be asked for, whose size is then taken from it.
 *
 * Ownership: the struct is the caller's.  Pure.
 */
#ifndef CACHE_BASE_BYTE_BUDGET_H
#define CACHE_BASE_BYTE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

/* What may be saved up while nothing is asked for, in milliseconds of the rate. */
#define BYTE_BUDGET_BURST_MS	1000

/**
 * struct byte_budget - how much may be asked for
 * @rate: bytes a second; 0: no limit
 * @bytes: left
 * @filled_ms: when it was last filled, on any clock
 */
struct byte_budget {
	uint64_t rate;
	int64_t bytes;
	uint64_t filled_ms;
};

/** byte_budget_fill() - time has passed */
static inline void byte_budget_fill(struct byte_budget *budget, uint64_t now_ms)
{
	int64_t burst = (int64_t)(budget->rate / 1000 * BYTE_BUDGET_BURST_MS);

	budget->bytes += (int64_t)(budget->rate * (now_ms - budget->filled_ms) /
				   1000);
	budget->filled_ms = now_ms;
	if (budget->bytes > burst)
		budget->bytes = burst;
}

/** byte_budget_allows() - may something be asked for? */
static inline bool byte_budget_allows(const struct byte_budget *budget)
{
	return !budget->rate || budget->bytes >= 0;
}

/* Sizes may come from an image that is not trusted: no sum of them overflows. */
#define BYTE_BUDGET_MOST	((uint64_t)1 << 50)

/** byte_budget_take() - something was */
static inline void byte_budget_take(struct byte_budget *budget, uint64_t bytes)
{
	budget->bytes -= (int64_t)(bytes < BYTE_BUDGET_MOST ? bytes :
							      BYTE_BUDGET_MOST);
}

/** byte_budget_give() - it did not come after all */
static inline void byte_budget_give(struct byte_budget *budget, uint64_t bytes)
{
	budget->bytes += (int64_t)(bytes < BYTE_BUDGET_MOST ? bytes :
							      BYTE_BUDGET_MOST);
}

#endif /* CACHE_BASE_BYTE_BUDGET_H */
