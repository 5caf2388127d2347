// SPDX-License-Identifier: GPL-2.0-or-later
/* Test cache/base/sparse_bits.c against bits that are simply there. */
#include "cache/base/sparse_bits.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"

#define LIMIT		100003
#define HUGE_LIMIT	((uint64_t)INT64_MAX)

static uint32_t random_below(uint32_t n)
{
	static uint32_t state = 1;

	state = state * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)state * n >> 32);
}

static void compare(const struct sparse_bits *bits, const uint8_t *plain)
{
	uint64_t next_set = LIMIT, next_clear = LIMIT, n = 0;

	for (uint64_t i = LIMIT; i-- > 0;) {
		n += plain[i];
		if (plain[i])
			next_set = i;
		else
			next_clear = i;
		CHECK_EQ(sparse_bits_test(bits, i), plain[i]);
		CHECK_EQ(sparse_bits_next_set(bits, i), next_set);
		CHECK_EQ(sparse_bits_next_clear(bits, i), next_clear);
	}
	CHECK_EQ(bits->n_set, n);
	CHECK_EQ(sparse_bits_next_set(bits, LIMIT), LIMIT);
	CHECK_EQ(sparse_bits_next_clear(bits, LIMIT), LIMIT);
}

static void test_as_plain_bits(void)
{
	uint8_t *plain = calloc(LIMIT, 1);
	struct sparse_bits bits;

	CHECK(plain);
	sparse_bits_init(&bits, LIMIT);
	compare(&bits, plain);
	for (int round = 0; round < 400; round++) {
		uint32_t from = random_below(LIMIT);
		uint32_t len = random_below(round % 3 ? 200 : 70000);
		uint32_t to = len < LIMIT - from ? from + len : LIMIT;
		bool set = random_below(5) > 1;

		memset(plain + from, set, to - from);
		if (set)
			CHECK_EQ(sparse_bits_set(&bits, from, to), 0);
		else
			sparse_bits_clear(&bits, from, to);
		if (round % 40 == 39)
			compare(&bits, plain);
	}
	CHECK_EQ(sparse_bits_set(&bits, 0, LIMIT), 0);
	memset(plain, 1, LIMIT);
	compare(&bits, plain);
	sparse_bits_clear(&bits, 0, LIMIT);
	memset(plain, 0, LIMIT);
	compare(&bits, plain);
	CHECK_EQ(bits.n_chunks, 0);
	sparse_bits_free(&bits);
	free(plain);
}

/* The limit costs nothing. */
static void test_a_huge_limit(void)
{
	struct sparse_bits bits;

	sparse_bits_init(&bits, HUGE_LIMIT);
	CHECK_EQ(sparse_bits_next_set(&bits, 0), HUGE_LIMIT);
	CHECK_EQ(sparse_bits_next_clear(&bits, 0), 0);
	CHECK_EQ(sparse_bits_set(&bits, HUGE_LIMIT - 3, HUGE_LIMIT), 0);
	CHECK_EQ(sparse_bits_set(&bits, (uint64_t)1 << 50,
				 ((uint64_t)1 << 50) + 1), 0);
	CHECK_EQ(sparse_bits_next_set(&bits, 0), (uint64_t)1 << 50);
	CHECK_EQ(sparse_bits_next_set(&bits, ((uint64_t)1 << 50) + 1),
		 HUGE_LIMIT - 3);
	CHECK_EQ(sparse_bits_next_clear(&bits, HUGE_LIMIT - 3), HUGE_LIMIT);
	CHECK_EQ(bits.n_set, 4);
	CHECK_EQ(bits.n_chunks, 2);
	sparse_bits_free(&bits);
	CHECK_EQ(bits.limit, HUGE_LIMIT);
	CHECK_EQ(bits.n_set, 0);
}

RUN_TESTS(T(test_as_plain_bits), T(test_a_huge_limit))
