/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files with holes: read without reading these, written without filling them.
 *
 * Where a file has no holes, or its file system does not tell, it is read as any
 * other.  What is a hole reads as zeros, so nobody need care for more than time
 * and space.
 */
#ifndef CACHE_BASE_SPARSE_H
#define CACHE_BASE_SPARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/** sparse_has_holes() - does a file take less space than it has bytes? */
static inline bool sparse_has_holes(const struct stat *st)
{
	return (uint64_t)st->st_blocks * 512 < (uint64_t)st->st_size;
}

/**
 * typedef sparse_fn - takes the next bytes of a file
 * @data: borrowed; NULL for @len bytes of a hole
 *
 * Return: 0 to go on, or what sparse_read() is to return.
 */
typedef int (*sparse_fn)(void *context, const void *data, uint64_t len,
			 uint64_t offset);

/**
 * sparse_read() - read a regular file from its start
 * @fd: its file position is where it was, afterwards
 * @max: stop after so many bytes
 * @buffer: @buffer_len bytes to read into
 * @fn: called in the order of the file, without gaps
 * @ret_size: how many bytes there were, up to @max; may be NULL
 *
 * Return: 0, what @fn returned, or what read() said.
 */
int sparse_read(int fd, uint64_t max, void *buffer, size_t buffer_len,
		sparse_fn fn, void *context, uint64_t *ret_size);

#endif /* CACHE_BASE_SPARSE_H */
