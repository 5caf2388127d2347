/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A set of numbers below a limit, as bits.  Memory and time follow what is in the set,
 * never the limit: that may come from an image that is not trusted.
 *
 *	chunks, sorted:	[index 0: 32768 bits] [index 7: 32768 bits] ...
 *
 * A chunk without a bit set is not there.
 *
 * Ownership: the struct is the caller's, to sparse_bits_free(); zeroed, it is an empty
 * set with limit 0.  One thread at a time.
 */
#ifndef CACHE_BASE_SPARSE_BITS_H
#define CACHE_BASE_SPARSE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sparse_chunk;

struct sparse_bits {
	uint64_t limit;		/* all numbers are below it */
	uint64_t n_set;
	/* private: */
	struct sparse_chunk **chunks;
	size_t n_chunks, capacity;
};

/** sparse_bits_init() - the empty set of numbers below @limit, at most INT64_MAX */
void sparse_bits_init(struct sparse_bits *bits, uint64_t limit);

/** sparse_bits_free() - the empty set again, with the same limit */
void sparse_bits_free(struct sparse_bits *bits);

/** sparse_bits_test() - is @i in the set? */
bool sparse_bits_test(const struct sparse_bits *bits, uint64_t i);

/**
 * sparse_bits_set() - put the numbers from @from to below @to into the set
 * @to: at most the limit
 *
 * Return: 0; -ENOMEM, then some of them are in it.
 */
int sparse_bits_set(struct sparse_bits *bits, uint64_t from, uint64_t to);

/** sparse_bits_clear() - take the numbers from @from to below @to out of it */
void sparse_bits_clear(struct sparse_bits *bits, uint64_t from, uint64_t to);

/** sparse_bits_next_set() - the first in the set, not before @from; else the limit */
uint64_t sparse_bits_next_set(const struct sparse_bits *bits, uint64_t from);

/** sparse_bits_next_clear() - the first not in it, not before @from; else the limit */
uint64_t sparse_bits_next_clear(const struct sparse_bits *bits, uint64_t from);

#endif /* CACHE_BASE_SPARSE_BITS_H */
