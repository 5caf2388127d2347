// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writing the bytes of a staged object.  The states and what holds in each are
 * described in write.h.
 */
#include "fetcher/ingest/write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void submit(struct cfs_object_write *w)
{
	w->submit(w, w->chunks + w->first, w->end - w->first, w->offset);
}

/* What a result means: the bytes it got written, or -errno. */
static int written(int res)
{
	if (res == -EINTR || res == -EAGAIN)
		return 0;
	return res == 0 ? -EIO : res;
}

static size_t left(const struct cfs_object_write *w)
{
	size_t sum = 0;

	for (unsigned int i = w->first; i < w->end; i++)
		sum += w->chunks[i].iov_len;
	return sum;
}

/* So many bytes less to write, of those that are left. */
static void consume(struct cfs_object_write *w, size_t n)
{
	while (n) {
		struct iovec *chunk = &w->chunks[w->first];
		size_t part = n < chunk->iov_len ? n : chunk->iov_len;

		chunk->iov_base = (char *)chunk->iov_base + part;
		chunk->iov_len -= part;
		w->offset += part;
		n -= part;
		if (!chunk->iov_len)
			w->first++;
	}
}

void cfs_object_write_add(struct cfs_object_write *w, const struct iovec *chunks,
			  unsigned int n)
{
	if (w->state != CFS_OBJECT_WRITE_IDLE || !n ||
	    n > CFS_OBJECT_WRITE_CHUNKS)
		abort();	/* chunks that would be lost */
	w->state = CFS_OBJECT_WRITE_WRITE;
	memcpy(w->chunks, chunks, n * sizeof(*chunks));
	w->first = 0;
	w->end = n;
	submit(w);
}

void cfs_object_write_step(struct cfs_object_write *w, int res)
{
	int n = written(res);

	if (w->state != CFS_OBJECT_WRITE_WRITE || n > (ssize_t)left(w))
		abort();	/* a result nobody asked for */
	if (n < 0) {
		w->state = CFS_OBJECT_WRITE_FAILED;
		w->done(w, n);	/* last: w may be gone */
		return;
	}
	consume(w, n);
	if (w->first < w->end) {
		submit(w);
		return;
	}
	w->state = CFS_OBJECT_WRITE_IDLE;
	w->done(w, 0);		/* last: w may be gone */
}
