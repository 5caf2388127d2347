/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that is released all at once: for a tree of many small things that
 * live equally long.  Nothing is ever freed alone.
 *
 * Ownership: an arena is initialised with zeros ({ 0 }) and released by
 * arena_release(), which ends the life of everything allocated from it.  One
 * thread at a time; threads that build one tree have an arena each, and hand it
 * over with arena_adopt().
 */
#ifndef CACHE_BASE_ARENA_H
#define CACHE_BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks;	/* owned */
	char *next;			/* free bytes of the newest chunk */
	char *end;
};

/**
 * arena_alloc() - zeroed memory, aligned for any type
 *
 * Return: the memory, or NULL if there is none.
 */
void *arena_alloc(struct arena *arena, size_t size);

/**
 * arena_copy() - a copy of bytes, followed by a NUL
 *
 * Return: the copy, which is not aligned, or NULL.
 */
void *arena_copy(struct arena *arena, const void *bytes, size_t len);

/** arena_adopt() - move all memory of @from into @arena; @from is then empty */
void arena_adopt(struct arena *arena, struct arena *from);

/** arena_release() - free everything; the arena is then empty */
void arena_release(struct arena *arena);

#endif /* CACHE_BASE_ARENA_H */
