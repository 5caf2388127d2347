// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/ingest/zstd.h"

#include <errno.h>
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "cache/mirror/pack_format.h"
#include "fetcher/ingest/chunks.h"

/*
 * What is handed on at a time.  No more than a chunk, so that one which is free is
 * enough: a sink that waits for two is told of each single one, in vain.
 */
#define OUT_LEN	CHUNK_LEN

struct zst_stream {
	ZSTD_DCtx *zstd;
	zst_sink_fn sink;
	void *context;
	uint64_t left;			/* bytes that may still come out */
	bool ended;			/* of the frame */
	size_t at, len;			/* of out: not handed on yet */
	uint8_t out[OUT_LEN];
};

int zst_stream_new(struct zst_stream **ret)
{
	struct zst_stream *stream = malloc(sizeof(*stream));

	if (!stream)
		return -ENOMEM;
	stream->zstd = ZSTD_createDCtx();
	if (!stream->zstd) {
		free(stream);
		return -ENOMEM;
	}
	ZSTD_DCtx_setParameter(stream->zstd, ZSTD_d_windowLogMax,
			       CFS_PACK_WINDOW_LOG);
	zst_stream_begin(stream, 0, NULL, NULL);
	*ret = stream;
	return 0;
}

void zst_stream_free(struct zst_stream *stream)
{
	if (!stream)
		return;
	ZSTD_freeDCtx(stream->zstd);
	free(stream);
}

void zst_stream_begin(struct zst_stream *stream, uint64_t size, zst_sink_fn sink,
		      void *context)
{
	ZSTD_DCtx_reset(stream->zstd, ZSTD_reset_session_only);
	stream->sink = sink;
	stream->context = context;
	stream->left = size;
	stream->ended = false;
	stream->at = 0;
	stream->len = 0;
}

static int hand_on(struct zst_stream *stream)
{
	while (stream->at < stream->len) {
		size_t taken = 0;
		int err = stream->sink(stream->context, stream->out + stream->at,
				       stream->len - stream->at, &taken);

		stream->at += taken;
		stream->left -= taken;
		if (err)
			return err;
	}
	return 0;
}

/* Fill out anew; how much of the input that took. */
static int expand(struct zst_stream *stream, ZSTD_inBuffer *in)
{
	ZSTD_outBuffer out = { .dst = stream->out, .size = OUT_LEN };
	size_t result = ZSTD_decompressStream(stream->zstd, &out, in);

	if (ZSTD_isError(result))
		return ZSTD_getErrorCode(result) ==
				       ZSTD_error_memory_allocation ?
			       -ENOMEM : -EBADMSG;
	stream->at = 0;
	stream->len = out.pos;
	stream->ended = result == 0;
	return out.pos > stream->left ? -EBADMSG : 0;
}

int zst_stream_add(struct zst_stream *stream, const void *data, size_t len,
		   size_t *ret_taken)
{
	ZSTD_inBuffer in = { .src = data, .size = len };
	int err = hand_on(stream);

	while (err == 0) {
		bool more = stream->len == OUT_LEN;	/* may be held back */

		if (stream->ended || (in.pos == in.size && !more))
			break;
		err = expand(stream, &in);
		if (err == 0)
			err = hand_on(stream);
	}
	*ret_taken = in.pos;
	/* Bytes behind the end of the frame. */
	return err == 0 && in.pos < in.size ? -EBADMSG : err;
}

bool zst_stream_complete(const struct zst_stream *stream)
{
	return stream->ended && stream->at == stream->len && stream->left == 0;
}
