/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fixed number of bits, all clear at first.
 *
 * Ownership: bitmap_new() gives the caller memory to free().  Indexes are the
 * caller's to keep below the number asked for.
 */
#ifndef CACHE_BASE_BITMAP_H
#define CACHE_BASE_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/** bitmap_new() - NULL if there is no memory */
static inline uint8_t *bitmap_new(size_t bits)
{
	return calloc(bits / 8 + 1, 1);
}

static inline bool bitmap_test(const uint8_t *bitmap, size_t index)
{
	return bitmap[index / 8] & 1U << index % 8;
}

static inline void bitmap_clear(uint8_t *bitmap, size_t index)
{
	bitmap[index / 8] &= (uint8_t)~(1U << index % 8);
}

/** bitmap_set() - set a bit; true if it was set before */
static inline bool bitmap_set(uint8_t *bitmap, size_t index)
{
	bool before = bitmap_test(bitmap, index);

	bitmap[index / 8] |= (uint8_t)(1U << index % 8);
	return before;
}

#endif /* CACHE_BASE_BITMAP_H */
