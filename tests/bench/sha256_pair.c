// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sha256_pair [ROUNDS]: MB/s of SHA-256 over 4 KiB blocks in the processor's cache, by
 * sha256_pair() and by libcrypto with one context that is used again, in turns; the
 * median of ROUNDS (21) and the ratio.  The gain decides whether cache/verity/sha256_pair.c
 * is worth its lines.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cache/verity/sha256_pair.h"

#define BLOCK	4096
#define PAIRS	2000
#define MAX	501

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, int n)
{
	qsort(values, n, sizeof(*values), by_value);
	return values[n / 2];
}

static double speed(double begun)
{
	return 2.0 * PAIRS * BLOCK / 1e6 / (now() - begun);
}

static double pairs(const uint8_t *a, const uint8_t *b)
{
	double begun = now();
	uint8_t ret[2][32];

	for (int i = 0; i < PAIRS; i++)
		sha256_pair(a, b, BLOCK, ret[0], ret[1]);
	return speed(begun);
}

static double singles(EVP_MD_CTX *ctx, const EVP_MD *sha256, const uint8_t *block)
{
	double begun = now();
	uint8_t ret[32];

	for (int i = 0; i < 2 * PAIRS; i++) {
		EVP_DigestInit_ex(ctx, i ? NULL : sha256, NULL);
		EVP_DigestUpdate(ctx, block, BLOCK);
		EVP_DigestFinal_ex(ctx, ret, NULL);
	}
	return speed(begun);
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 21;
	static uint8_t a[BLOCK], b[BLOCK];
	static double ours[MAX], theirs[MAX];
	EVP_MD *sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (n < 1 || n > MAX || !sha256 || !ctx) {
		fprintf(stderr, "usage: sha256_pair [ROUNDS, at most %d]\n", MAX);
		return 2;
	}
	if (!sha256_pair_available()) {
		fprintf(stderr, "sha256_pair: this processor has no SHA instructions\n");
		return 1;
	}
	memset(a, 1, BLOCK);
	memset(b, 2, BLOCK);
	for (int i = 0; i < n; i++) {
		ours[i] = pairs(a, b);
		theirs[i] = singles(ctx, sha256, a);
	}
	printf("sha256_pair %.0f MB/s, libcrypto %.0f MB/s, ratio %.2f\n", median(ours, n),
	       median(theirs, n), median(ours, n) / median(theirs, n));
	EVP_MD_CTX_free(ctx);
	EVP_MD_free(sha256);
	return 0;
}
