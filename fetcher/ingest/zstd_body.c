// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/ingest/zstd_body.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fetcher/ingest/body.h"
#include "fetcher/http/get.h"
#include "fetcher/ingest/zstd.h"

struct fetch_zst {
	struct fetch_body *body;
	unsigned int *count;
	struct zst_stream *stream;
	uint8_t *kept;			/* NULL: nothing is pending */
	size_t at, len;			/* of kept */
};

static int into_body(void *context, const uint8_t *data, size_t len,
		     size_t *ret_taken)
{
	struct fetch_zst *zst = context;
	int err = body_add(zst->body, data, len);

	*ret_taken = err == 0 ? len : 0;
	return err == BODY_FULL ? ZST_FULL : err;
}

int fetch_zst_new(struct fetch_body *body, uint64_t size, unsigned int *count,
		  struct fetch_zst **ret)
{
	struct fetch_zst *zst;
	int err;

	if (*count >= FETCH_ZST_MAX)
		return -EBUSY;
	zst = calloc(1, sizeof(*zst));
	if (!zst)
		return -ENOMEM;
	err = zst_stream_new(&zst->stream);
	if (err < 0) {
		free(zst);
		return err;
	}
	zst_stream_begin(zst->stream, size, into_body, zst);
	zst->body = body;
	zst->count = count;
	++*count;
	*ret = zst;
	return 0;
}

void fetch_zst_free(struct fetch_zst *zst)
{
	if (!zst)
		return;
	--*zst->count;
	zst_stream_free(zst->stream);
	free(zst->kept);
	free(zst);
}

int fetch_zst_add(struct fetch_zst *zst, const void *data, size_t len)
{
	size_t taken;
	int err;

	if (zst->kept)
		return HTTP_DATA_PAUSE;
	err = zst_stream_add(zst->stream, data, len, &taken);
	if (err != ZST_FULL)
		return err;
	/* One byte more: there may be nothing but what the stream holds. */
	zst->kept = malloc(len - taken + 1);
	if (!zst->kept)
		return -ENOMEM;
	zst->at = 0;
	zst->len = len - taken;
	memcpy(zst->kept, (const uint8_t *)data + taken, zst->len);
	return 0;
}

int fetch_zst_continue(struct fetch_zst *zst)
{
	size_t taken;
	int err = zst_stream_add(zst->stream, zst->kept + zst->at,
				 zst->len - zst->at, &taken);

	zst->at += taken;
	if (err == ZST_FULL)
		return HTTP_DATA_PAUSE;
	free(zst->kept);
	zst->kept = NULL;
	return err;
}

bool fetch_zst_pending(const struct fetch_zst *zst)
{
	return zst->kept;
}

bool fetch_zst_complete(const struct fetch_zst *zst)
{
	return zst_stream_complete(zst->stream);
}
