// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache/base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE	((size_t)256 << 10)

struct arena_chunk {
	struct arena_chunk *next;
	max_align_t bytes[];
};

static void *take(struct arena *arena, size_t size, size_t align)
{
	struct arena_chunk *chunk;
	size_t pad = -(size_t)arena->next & (align - 1);
	char *ret;

	if ((size_t)(arena->end - arena->next) >= pad + size && arena->next) {
		ret = arena->next + pad;
		arena->next = ret + size;
		return ret;
	}
	if (size > CHUNK_SIZE / 4) {
		/* A chunk of its own, so that the rest of the newest stays usable. */
		if (size > SIZE_MAX / 2)
			return NULL;
		chunk = calloc(1, sizeof(*chunk) + size);
		if (!chunk)
			return NULL;
		chunk->next = arena->chunks;
		arena->chunks = chunk;
		return chunk->bytes;
	}
	chunk = calloc(1, sizeof(*chunk) + CHUNK_SIZE);
	if (!chunk)
		return NULL;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	ret = (char *)chunk->bytes;
	arena->next = ret + size;
	arena->end = ret + CHUNK_SIZE;
	return ret;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	return take(arena, size, _Alignof(max_align_t));
}

void *arena_copy(struct arena *arena, const void *bytes, size_t len)
{
	char *ret = take(arena, len + 1, 1);

	if (ret && len)
		memcpy(ret, bytes, len);
	return ret;
}

void arena_adopt(struct arena *arena, struct arena *from)
{
	struct arena_chunk **last = &from->chunks;

	while (*last)
		last = &(*last)->next;
	*last = arena->chunks;
	arena->chunks = from->chunks;
	*from = (struct arena){ 0 };
}

void arena_release(struct arena *arena)
{
	struct arena_chunk *chunk = arena->chunks, *next;

	for (; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	*arena = (struct arena){ 0 };
}
