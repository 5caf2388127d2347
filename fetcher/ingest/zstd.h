/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Expand one zstd frame as it arrives, into exactly as many bytes as are expected.
 *
 * More bytes than that are never handed on, whatever the frame says; its window is
 * at most %CFS_PACK_WINDOW_LOG.  So memory is that and a little, and a frame of zeros
 * does no harm.
 *
 * Ownership: zst_stream_new() gives the caller a stream to zst_stream_free(), which
 * may be used for one frame after the other.  Single-threaded.
 */
#ifndef FETCHER_INGEST_ZSTD_H
#define FETCHER_INGEST_ZSTD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zst_stream;

enum {
	ZST_FULL = 1,		/* the sink takes no more for now */
};

/**
 * typedef zst_sink_fn - takes bytes
 * @ret_taken: how many; less than @len only with ZST_FULL or an error
 *
 * Return: 0, ZST_FULL, or -errno to end it.
 */
typedef int (*zst_sink_fn)(void *context, const uint8_t *data, size_t len,
			   size_t *ret_taken);

/**
 * zst_stream_new() - a stream that expects nothing
 *
 * Return: 0 or -ENOMEM.
 */
int zst_stream_new(struct zst_stream **ret);

/** zst_stream_free() - NULL is allowed */
void zst_stream_free(struct zst_stream *stream);

/** zst_stream_begin() - a frame of @size bytes comes; they go to @sink */
void zst_stream_begin(struct zst_stream *stream, uint64_t size, zst_sink_fn sink,
		      void *context);

/**
 * zst_stream_add() - the next bytes of the frame
 * @len: 0 to go on after ZST_FULL when all was taken
 * @ret_taken: how many; the rest is to be given again
 *
 * Return: 0 (all was taken, and all that could be made of it was handed on),
 * ZST_FULL, -EBADMSG (no such frame, or too many bytes), -ENOMEM or what the sink
 * said.
 */
int zst_stream_add(struct zst_stream *stream, const void *data, size_t len,
		   size_t *ret_taken);

/** zst_stream_complete() - the frame has ended, and all its bytes were handed on */
bool zst_stream_complete(const struct zst_stream *stream);

#endif /* FETCHER_INGEST_ZSTD_H */
