// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writing the bytes of a staged object.  The states and what holds in each are
 * described in object_write.h.
 */
#include "cache/object_write.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/types.h>

/* A result is an int, and the kernel clamps a write to a little under 2 GiB. */
#define WRITE_MAX	((size_t)1 << 30)

static void submit(struct cfs_object_write *w)
{
	w->submit(w, w->data, w->left < WRITE_MAX ? w->left : WRITE_MAX,
		  w->offset);
}

/* What a result means: the bytes it got written, or -errno. */
static int written(int res)
{
	if (res == -EINTR || res == -EAGAIN)
		return 0;
	return res == 0 ? -EIO : res;
}

void cfs_object_write_add(struct cfs_object_write *w, const void *data,
			  size_t len)
{
	if (w->state != CFS_OBJECT_WRITE_IDLE || !len)
		abort();	/* a chunk that would be lost */
	w->state = CFS_OBJECT_WRITE_WRITE;
	w->data = data;
	w->left = len;
	submit(w);
}

void cfs_object_write_step(struct cfs_object_write *w, int res)
{
	int n = written(res);

	if (w->state != CFS_OBJECT_WRITE_WRITE || n > (ssize_t)w->left)
		abort();	/* a result nobody asked for */
	if (n < 0) {
		w->state = CFS_OBJECT_WRITE_FAILED;
		w->done(w, n);	/* last: w may be gone */
		return;
	}
	w->data += n;
	w->left -= n;
	w->offset += n;
	if (w->left) {
		submit(w);
		return;
	}
	w->state = CFS_OBJECT_WRITE_IDLE;
	w->done(w, 0);		/* last: w may be gone */
}
