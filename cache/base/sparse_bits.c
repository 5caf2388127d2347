// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache/base/sparse_bits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BITS	32768
#define WORD_BITS	64
#define CHUNK_WORDS	(CHUNK_BITS / WORD_BITS)

struct sparse_chunk {
	uint64_t index;
	uint32_t n_set;
	uint64_t words[CHUNK_WORDS];
};

void sparse_bits_init(struct sparse_bits *bits, uint64_t limit)
{
	*bits = (struct sparse_bits){ .limit = limit };
}

void sparse_bits_free(struct sparse_bits *bits)
{
	for (size_t i = 0; i < bits->n_chunks; i++)
		free(bits->chunks[i]);
	free(bits->chunks);
	sparse_bits_init(bits, bits->limit);
}

/* The first chunk that is not before @index. */
static size_t position_of(const struct sparse_bits *bits, uint64_t index)
{
	size_t low = 0, high = bits->n_chunks;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (bits->chunks[middle]->index < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct sparse_chunk *find(const struct sparse_bits *bits, uint64_t index)
{
	size_t i = position_of(bits, index);

	return i < bits->n_chunks && bits->chunks[i]->index == index ?
		       bits->chunks[i] : NULL;
}

static struct sparse_chunk *find_or_add(struct sparse_bits *bits, uint64_t index)
{
	struct sparse_chunk *chunk = find(bits, index);
	size_t i;

	if (chunk)
		return chunk;
	if (bits->n_chunks == bits->capacity) {
		size_t capacity = bits->capacity ? bits->capacity * 2 : 4;
		struct sparse_chunk **grown =
			reallocarray(bits->chunks, capacity, sizeof(*grown));

		if (!grown)
			return NULL;
		bits->chunks = grown;
		bits->capacity = capacity;
	}
	chunk = calloc(1, sizeof(*chunk));
	if (!chunk)
		return NULL;
	chunk->index = index;
	i = position_of(bits, index);
	memmove(&bits->chunks[i + 1], &bits->chunks[i],
		(bits->n_chunks - i) * sizeof(*bits->chunks));
	bits->chunks[i] = chunk;
	bits->n_chunks++;
	return chunk;
}

static void drop(struct sparse_bits *bits, struct sparse_chunk *chunk)
{
	size_t i = position_of(bits, chunk->index);

	free(chunk);
	bits->n_chunks--;
	memmove(&bits->chunks[i], &bits->chunks[i + 1],
		(bits->n_chunks - i) * sizeof(*bits->chunks));
}

bool sparse_bits_test(const struct sparse_bits *bits, uint64_t i)
{
	const struct sparse_chunk *chunk = find(bits, i / CHUNK_BITS);

	return chunk && chunk->words[i % CHUNK_BITS / WORD_BITS] >>
				(i % WORD_BITS) & 1;
}

/* The bits from @from to below @to of the word that @from is in. */
static uint64_t mask_of(uint64_t from, uint64_t to)
{
	uint64_t n = to - from, first = from % WORD_BITS;

	if (n > WORD_BITS - first)
		n = WORD_BITS - first;
	return (n == WORD_BITS ? ~(uint64_t)0 : ((uint64_t)1 << n) - 1) << first;
}

static uint64_t next_multiple(uint64_t i, uint64_t of)
{
	return (i / of + 1) * of;
}

int sparse_bits_set(struct sparse_bits *bits, uint64_t from, uint64_t to)
{
	while (from < to) {
		struct sparse_chunk *chunk =
			find_or_add(bits, from / CHUNK_BITS);
		uint64_t end = next_multiple(from, CHUNK_BITS);

		if (!chunk)
			return -ENOMEM;
		for (; from < to && from < end;
		     from = next_multiple(from, WORD_BITS)) {
			uint64_t mask = mask_of(from, to);
			uint64_t *word = &chunk->words[from % CHUNK_BITS /
						       WORD_BITS];
			uint32_t n = (uint32_t)__builtin_popcountll(mask &
								    ~*word);

			*word |= mask;
			chunk->n_set += n;
			bits->n_set += n;
		}
	}
	return 0;
}

void sparse_bits_clear(struct sparse_bits *bits, uint64_t from, uint64_t to)
{
	while ((from = sparse_bits_next_set(bits, from)) < to) {
		struct sparse_chunk *chunk = find(bits, from / CHUNK_BITS);
		uint64_t end = next_multiple(from, CHUNK_BITS);

		for (; from < to && from < end;
		     from = next_multiple(from, WORD_BITS)) {
			uint64_t mask = mask_of(from, to);
			uint64_t *word = &chunk->words[from % CHUNK_BITS /
						       WORD_BITS];
			uint32_t n = (uint32_t)__builtin_popcountll(mask &
								    *word);

			*word &= ~mask;
			chunk->n_set -= n;
			bits->n_set -= n;
		}
		if (!chunk->n_set)
			drop(bits, chunk);
	}
}

/* The first bit of a chunk from @from on that is as wanted; CHUNK_BITS if none is. */
static uint64_t next_in(const struct sparse_chunk *chunk, uint64_t from, bool set)
{
	while (from < CHUNK_BITS) {
		uint64_t word = chunk->words[from / WORD_BITS];

		word = (set ? word : ~word) & ~(uint64_t)0 << (from % WORD_BITS);
		if (word)
			return from / WORD_BITS * WORD_BITS +
			       (uint64_t)__builtin_ctzll(word);
		from = next_multiple(from, WORD_BITS);
	}
	return CHUNK_BITS;
}

uint64_t sparse_bits_next_set(const struct sparse_bits *bits, uint64_t from)
{
	size_t i = position_of(bits, from / CHUNK_BITS);
	uint64_t found;

	for (; i < bits->n_chunks; i++) {
		const struct sparse_chunk *chunk = bits->chunks[i];
		uint64_t start = chunk->index * CHUNK_BITS;

		found = next_in(chunk, from > start ? from - start : 0, true);
		if (found < CHUNK_BITS)
			return start + found;
	}
	return bits->limit;
}

uint64_t sparse_bits_next_clear(const struct sparse_bits *bits, uint64_t from)
{
	size_t i = position_of(bits, from / CHUNK_BITS);
	uint64_t found;

	for (; from < bits->limit && i < bits->n_chunks; i++) {
		const struct sparse_chunk *chunk = bits->chunks[i];

		if (chunk->index != from / CHUNK_BITS)
			break;
		found = chunk->n_set == CHUNK_BITS ? CHUNK_BITS :
			next_in(chunk, from % CHUNK_BITS, false);
		if (found < CHUNK_BITS) {
			from = chunk->index * CHUNK_BITS + found;
			break;
		}
		from = (chunk->index + 1) * CHUNK_BITS;
	}
	return from < bits->limit ? from : bits->limit;
}
