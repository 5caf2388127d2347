/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SHA-256 of two buffers at once.  The processor's SHA instructions depend on
 * each other within a stream, and so leave half of their units idle; two streams
 * side by side take little longer than one.  fs-verity has such pairs: blocks.
 *
 * The gain over libcrypto on 4 KiB blocks, by build/tests/bench/sha256_pair: 1.39 x
 * (2,380 against 1,720 MB/s, Intel Ice Lake, OpenSSL 3.0).  Below 1.25 x on the
 * processors that matter this file is not worth keeping.
 *
 * Everything is borrowed for the duration of the call; any thread.
 */
#ifndef CACHE_VERITY_SHA256_PAIR_H
#define CACHE_VERITY_SHA256_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** sha256_pair_available() - does this processor have the instructions? */
bool sha256_pair_available(void);

/**
 * sha256_pair() - hash two buffers of one length
 * @len: in bytes, a multiple of 64
 *
 * Only if sha256_pair_available().
 */
void sha256_pair(const void *a, const void *b, size_t len, uint8_t ret_a[32],
		 uint8_t ret_b[32]);

#endif /* CACHE_VERITY_SHA256_PAIR_H */
