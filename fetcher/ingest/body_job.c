// SPDX-License-Identifier: GPL-2.0-or-later
/* What is done for a body on a pool thread: hash, check, stage, publish. */
#include <errno.h>

#include "cache/base/container_of.h"
#include "cache/base/failpoint.h"
#include "cache/base/full_io.h"
#include "cache/store/publish.h"
#include "fetcher/ingest/internal.h"

static int hash_chunks(struct fetch_body *body)
{
	struct chunk *chunk = body->to_hash;
	size_t n;
	int err = 0;

	for (n = body->n_hash; n && err == 0; n--) {
		err = cfs_verity_hash_add(body->hash, chunk->data, chunk->len);
		/* The link of the last one may be written by the loop just now. */
		if (n > 1)
			chunk = STAILQ_NEXT(chunk, entry);
	}
	return err;
}

/* Is it what it must be? */
static int check_digest(struct fetch_body *body)
{
	struct cfs_digest digest;
	bool same;
	int err = cfs_verity_hash_finish(body->hash, &digest);

	if (err < 0)
		return err;
	same = !body->expects || cfs_digest_equal(&digest, &body->digest);
	body->digest = digest;
	return same ? 0 : -EBADMSG;
}

/* The descriptor is consumed, unless a batch will do so. */
static int publish(struct fetch_body *body)
{
	int err;

	if (body->bodies->in_batches)
		return 0;
	err = cfs_object_publish(body->bodies->store, body->fd, &body->digest);
	body->fd = -1;
	return err == CFS_PUBLISH_EXISTED ? 0 : err;
}

static int stage(struct fetch_body *body)
{
	return cfs_object_stage(body->bodies->store,
				body->size == UINT64_MAX ? 0 : body->size,
				&body->fd);
}

static int publish_whole(struct fetch_body *body)
{
	const struct chunk *chunk = body->filling;
	size_t len = chunk ? chunk->len : 0;
	int err = 0;

	if (len)
		err = cfs_verity_hash_add(body->hash, chunk->data, len);
	if (err == 0)
		err = check_digest(body);
	if (err == 0)
		err = cfs_object_stage(body->bodies->store, len, &body->fd);
	if (err == 0)
		err = FAILPOINT("body.whole");
	if (err == 0 && len)
		err = full_pwrite(body->fd, chunk->data, len, 0);
	return err == 0 ? publish(body) : err;
}

void body_job_run(struct loop_work *work)
{
	struct fetch_body *body = container_of(work, struct fetch_body, work);
	int err = 0;

	switch (body->job) {
	case BODY_HASH:
		err = FAILPOINT("body.hash");
		if (err == 0 && body->fd < 0)
			err = stage(body);
		if (err == 0)
			err = hash_chunks(body);
		break;
	case BODY_PUBLISH:
		err = FAILPOINT("body.publish");
		if (err == 0)
			err = check_digest(body);
		if (err == 0)
			err = publish(body);
		break;
	case BODY_WHOLE:
		err = publish_whole(body);
		break;
	}
	body->job_err = err;
}
