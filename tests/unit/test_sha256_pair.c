// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache/verity/sha256_pair.h"

#include <openssl/evp.h>
#include <string.h>

#include "tests/unit/test.h"

#define LEN	4096

static void fill(uint8_t *bytes, size_t len, uint32_t seed)
{
	size_t i;

	for (i = 0; i < len; i++) {
		seed = seed * 1664525 + 1013904223;
		bytes[i] = seed >> 24;
	}
}

static void check(const uint8_t *bytes, size_t len, const uint8_t found[32])
{
	uint8_t expected[EVP_MAX_MD_SIZE];

	CHECK(EVP_Digest(bytes, len, expected, NULL, EVP_sha256(), NULL));
	CHECK(memcmp(expected, found, 32) == 0);
}

static void test_both_lanes_agree_with_libcrypto(void)
{
	/* Odd addresses: nothing promises that buffers are aligned. */
	static uint8_t a[LEN + 1], b[LEN + 3];
	uint8_t ret_a[32], ret_b[32];
	size_t len;

	if (!sha256_pair_available())
		SKIP("this processor has no SHA instructions");
	for (len = 0; len <= LEN; len += 64) {
		fill(a + 1, len, len);
		fill(b + 3, len, ~len);
		sha256_pair(a + 1, b + 3, len, ret_a, ret_b);
		check(a + 1, len, ret_a);
		check(b + 3, len, ret_b);
	}
}

RUN_TESTS(
	T(test_both_lanes_agree_with_libcrypto),
)
