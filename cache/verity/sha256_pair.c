// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * FIPS 180-4 on Intel's SHA extensions, two lanes in lockstep.  The instructions
 * keep the eight words of the state in two registers, as ABEF and CDGH, and do
 * two rounds each; see the Intel 64 manual, "SHA256RNDS2".
 */
#include "cache/verity/sha256_pair.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define CHUNK	64

#define SHA_CODE	__attribute__((target("sha,sse4.1")))

static const uint32_t round_keys[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
	0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
	0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

struct lane {
	__m128i abef;
	__m128i cdgh;
};

bool sha256_pair_available(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_1) &&
	       __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}

/* Four rounds of one lane; @w are four words of the message. */
#define ROUNDS(lane, w, i)						\
	do {								\
		__m128i _wk = _mm_add_epi32(w, _mm_loadu_si128(		\
			(const __m128i *)(round_keys + (i))));		\
									\
		(lane).cdgh = _mm_sha256rnds2_epu32((lane).cdgh,	\
						    (lane).abef, _wk);	\
		_wk = _mm_shuffle_epi32(_wk, 0x0e);			\
		(lane).abef = _mm_sha256rnds2_epu32((lane).abef,	\
						    (lane).cdgh, _wk);	\
	} while (0)

/* The words that are 16 later: @w0 from itself and the twelve behind it. */
#define SCHEDULE(w0, w1, w2, w3)					\
	((w0) = _mm_sha256msg2_epu32(					\
		_mm_add_epi32(_mm_sha256msg1_epu32(w0, w1),		\
			      _mm_alignr_epi8(w3, w2, 4)), w3))

#define BOTH_ROUNDS(i, n)						\
	do {								\
		ROUNDS(x, x##n, i);					\
		ROUNDS(y, y##n, i);					\
	} while (0)

#define BOTH_ROUNDS_SCHEDULE(i, n0, n1, n2, n3)				\
	do {								\
		BOTH_ROUNDS(i, n0);					\
		SCHEDULE(x##n0, x##n1, x##n2, x##n3);			\
		SCHEDULE(y##n0, y##n1, y##n2, y##n3);			\
	} while (0)

SHA_CODE static inline __m128i load(const uint8_t *bytes, unsigned int word)
{
	const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b,
						  0x0405060700010203);

	return _mm_shuffle_epi8(
		_mm_loadu_si128((const __m128i *)(bytes + 4 * word)),
		big_endian);
}

SHA_CODE static void add_chunk(struct lane *lane_x, struct lane *lane_y,
			       const uint8_t *a, const uint8_t *b)
{
	struct lane x = *lane_x, y = *lane_y;
	__m128i x0 = load(a, 0), x1 = load(a, 4), x2 = load(a, 8),
		x3 = load(a, 12);
	__m128i y0 = load(b, 0), y1 = load(b, 4), y2 = load(b, 8),
		y3 = load(b, 12);

	BOTH_ROUNDS_SCHEDULE(0, 0, 1, 2, 3);
	BOTH_ROUNDS_SCHEDULE(4, 1, 2, 3, 0);
	BOTH_ROUNDS_SCHEDULE(8, 2, 3, 0, 1);
	BOTH_ROUNDS_SCHEDULE(12, 3, 0, 1, 2);
	BOTH_ROUNDS_SCHEDULE(16, 0, 1, 2, 3);
	BOTH_ROUNDS_SCHEDULE(20, 1, 2, 3, 0);
	BOTH_ROUNDS_SCHEDULE(24, 2, 3, 0, 1);
	BOTH_ROUNDS_SCHEDULE(28, 3, 0, 1, 2);
	BOTH_ROUNDS_SCHEDULE(32, 0, 1, 2, 3);
	BOTH_ROUNDS_SCHEDULE(36, 1, 2, 3, 0);
	BOTH_ROUNDS_SCHEDULE(40, 2, 3, 0, 1);
	BOTH_ROUNDS_SCHEDULE(44, 3, 0, 1, 2);
	BOTH_ROUNDS(48, 0);
	BOTH_ROUNDS(52, 1);
	BOTH_ROUNDS(56, 2);
	BOTH_ROUNDS(60, 3);

	lane_x->abef = _mm_add_epi32(lane_x->abef, x.abef);
	lane_x->cdgh = _mm_add_epi32(lane_x->cdgh, x.cdgh);
	lane_y->abef = _mm_add_epi32(lane_y->abef, y.abef);
	lane_y->cdgh = _mm_add_epi32(lane_y->cdgh, y.cdgh);
}

SHA_CODE static void store(const struct lane *lane, uint8_t ret[32])
{
	const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b,
						  0x0405060700010203);
	/* From the low end: F E B A and H G D C. */
	__m128i abcd = _mm_unpackhi_epi64(lane->cdgh, lane->abef);
	__m128i efgh = _mm_unpacklo_epi64(lane->cdgh, lane->abef);

	abcd = _mm_shuffle_epi32(abcd, 0x1b);
	efgh = _mm_shuffle_epi32(efgh, 0x1b);
	_mm_storeu_si128((__m128i *)ret, _mm_shuffle_epi8(abcd, big_endian));
	_mm_storeu_si128((__m128i *)(ret + 16),
			 _mm_shuffle_epi8(efgh, big_endian));
}

SHA_CODE void sha256_pair(const void *a, const void *b, size_t len,
			  uint8_t ret_a[32], uint8_t ret_b[32])
{
	const struct lane start = {
		.abef = _mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f,
				      (int)0x9b05688c),
		.cdgh = _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab,
				      0x5be0cd19),
	};
	const uint64_t bits = __builtin_bswap64((uint64_t)len * 8);
	uint8_t last[CHUNK] = { 0x80 };
	struct lane x = start, y = start;
	size_t at;

	for (at = 0; at < len; at += CHUNK)
		add_chunk(&x, &y, (const uint8_t *)a + at,
			  (const uint8_t *)b + at);
	memcpy(last + CHUNK - sizeof(bits), &bits, sizeof(bits));
	add_chunk(&x, &y, last, last);
	store(&x, ret_a);
	store(&y, ret_b);
}

#else

bool sha256_pair_available(void)
{
	return false;
}

void sha256_pair(const void *a, const void *b, size_t len, uint8_t ret_a[32],
		 uint8_t ret_b[32])
{
	(void)a;
	(void)b;
	(void)len;
	(void)ret_a;
	(void)ret_b;
	abort();	/* callers ask sha256_pair_available() first */
}

#endif
