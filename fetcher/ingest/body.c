// SPDX-License-Identifier: GPL-2.0-or-later
/* Bytes from the network: chunked, hashed, written, published. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/container_of.h"
#include "cache/store/publish.h"
#include "fetcher/ingest/internal.h"

static void advance(struct fetch_body *body);

static void start_job(struct fetch_body *body, enum body_job job)
{
	body->job = job;
	body->working = true;
	loop_work_submit(body->bodies->loop, &body->work);
}

static bool writing(const struct fetch_body *body)
{
	return body->write.state == CFS_OBJECT_WRITE_WRITE;
}

static void put_chunk(struct fetch_body *body, struct chunk *chunk)
{
	chunk_pool_put(body->bodies->pool, chunk);
	if (body->bodies->changed)
		body->bodies->changed(body->bodies->context);
}

/* Give back what has been hashed and written; all of it once it is of no use. */
static void release_chunks(struct fetch_body *body, bool all)
{
	struct chunk *chunk;

	while ((chunk = STAILQ_FIRST(&body->chunks)) &&
	       (all || (chunk->hashed && chunk->written))) {
		STAILQ_REMOVE_HEAD(&body->chunks, entry);
		put_chunk(body, chunk);
	}
	if (all) {
		body->to_hash = NULL;
		body->to_write = NULL;
		if (body->filling)
			put_chunk(body, body->filling);
		body->filling = NULL;
	}
}

/* Not busy, and of no use to anybody: keep it for the next one. */
static void retire(struct fetch_body *body)
{
	struct fetch_bodies *bodies = body->bodies;

	release_chunks(body, true);
	chunk_pool_leave(bodies->pool, &body->waiter);
	loop_undefer(bodies->loop, &body->soon);
	cfs_object_discard(bodies->store, body->fd);
	LIST_INSERT_HEAD(&bodies->idle, body, entry);
	bodies->n_live--;
	/* A chunk that was meant for it is for somebody else. */
	chunk_pool_wake(bodies->pool);
	if (bodies->changed)
		bodies->changed(bodies->context);
}

static void finished(struct fetch_body *body)
{
	const struct fetch_body_calls *calls = body->calls;
	struct cfs_digest digest = body->digest;
	void *context = body->context;
	int err = body->err;

	retire(body);
	calls->done(context, err, &digest);
}

static void batch_done(struct publish_item *item, int err)
{
	struct fetch_body *body = container_of(item, struct fetch_body, item);

	body->working = false;
	body->err = err;
	if (body->calls)
		finished(body);
	else
		advance(body);
}

/* It is checked and written: its name comes with the next flush. */
static void join_batch(struct fetch_body *body)
{
	release_chunks(body, true);
	body->working = true;
	body->item = (struct publish_item){
		.fd = body->fd,
		.digest = body->digest,
		.size = body->received,
		.done = batch_done,
	};
	body->fd = -1;
	publish_batch_add(&body->bodies->batch, &body->item);
}

static void job_done(struct loop_work *work)
{
	struct fetch_body *body = container_of(work, struct fetch_body, work);

	body->working = false;
	if (body->job_err < 0 && body->err == 0)
		body->err = body->job_err;
	if (body->job == BODY_HASH) {
		body->staged = body->fd >= 0;
		for (; body->n_hash; body->n_hash--) {
			body->to_hash->hashed = true;
			body->to_hash = STAILQ_NEXT(body->to_hash, entry);
		}
	} else if (body->calls && body->err == 0 && body->fd >= 0) {
		join_batch(body);
		return;
	} else if (body->calls) {
		finished(body);
		return;
	}
	advance(body);
}

static void op_complete(struct loop_op *op, int res)
{
	struct fetch_body *body = container_of(op, struct fetch_body, op);

	cfs_object_write_step(&body->write, res);
}

static void write_submit(struct cfs_object_write *w, const struct iovec *pieces,
			 unsigned int n, uint64_t offset)
{
	struct fetch_body *body = container_of(w, struct fetch_body, write);

	loop_write(body->bodies->loop, &body->op, body->fd, pieces, n, offset);
}

static void write_done(struct cfs_object_write *w, int err)
{
	struct fetch_body *body = container_of(w, struct fetch_body, write);

	if (err < 0 && body->err == 0)
		body->err = err;
	for (; body->n_write; body->n_write--) {
		body->to_write->written = true;
		body->to_write = STAILQ_NEXT(body->to_write, entry);
	}
	advance(body);
}

static void start_writing(struct fetch_body *body)
{
	struct iovec pieces[CFS_OBJECT_WRITE_CHUNKS];
	struct chunk *chunk = body->to_write;
	unsigned int n;

	for (n = 0; chunk && n < CFS_OBJECT_WRITE_CHUNKS; n++) {
		pieces[n].iov_base = chunk->data;
		pieces[n].iov_len = chunk->len;
		chunk = STAILQ_NEXT(chunk, entry);
	}
	body->n_write = n;
	cfs_object_write_add(&body->write, pieces, n);
}

static void start_hashing(struct fetch_body *body)
{
	struct chunk *chunk;

	body->n_hash = 0;
	for (chunk = body->to_hash; chunk; chunk = STAILQ_NEXT(chunk, entry))
		body->n_hash++;
	start_job(body, BODY_HASH);
}

/* Do whatever can be done now. */
static void advance(struct fetch_body *body)
{
	bool busy = body->working || writing(body);

	if (!body->calls || body->err < 0) {
		if (busy)
			return;
		release_chunks(body, true);
		if (!body->calls)
			retire(body);
		else if (body->finishing)
			finished(body);
		else
			/* The next body_add() will say so. */
			loop_defer(body->bodies->loop, &body->soon);
		return;
	}
	if (body->to_hash && !body->working)
		start_hashing(body);
	if (body->to_write && body->staged && !writing(body))
		start_writing(body);
	release_chunks(body, false);
	if (body->finishing && STAILQ_EMPTY(&body->chunks) && !body->working &&
	    !writing(body))
		start_job(body, BODY_PUBLISH);
}

static void soon(struct loop_deferred *deferred)
{
	struct fetch_body *body = container_of(deferred, struct fetch_body, soon);
	struct fetch_bodies *bodies = body->bodies;

	if (body->finishing)
		advance(body);
	else
		body->calls->resume(body->context);
	/* The chunk that it was called for may not have been needed. */
	chunk_pool_wake(bodies->pool);
}

static void chunk_ready(struct chunk_waiter *waiter)
{
	struct fetch_body *body = container_of(waiter, struct fetch_body, waiter);

	loop_defer(body->bodies->loop, &body->soon);
}

void body_set_first(struct fetch_body *body)
{
	body->work.first = true;
}

static struct fetch_body *body_alloc(void)
{
	struct fetch_body *body = calloc(1, sizeof(*body));

	if (!body)
		return NULL;
	if (cfs_verity_hash_new(&body->hash) < 0) {
		free(body);
		return NULL;
	}
	return body;
}

int body_new(struct fetch_bodies *bodies, const struct cfs_digest *digest,
	     uint64_t size, const struct fetch_body_calls *calls, void *context,
	     struct fetch_body **ret)
{
	struct fetch_body *body = LIST_FIRST(&bodies->idle);
	struct cfs_verity_hash *hash;

	if (body)
		LIST_REMOVE(body, entry);
	else
		body = body_alloc();
	if (!body)
		return -ENOMEM;
	hash = body->hash;
	cfs_verity_hash_reset(hash);
	*body = (struct fetch_body){
		.bodies = bodies,
		.calls = calls,
		.context = context,
		.expects = digest != NULL,
		.size = size,
		.waiter.ready = chunk_ready,
		.soon.call = soon,
		.hash = hash,
		.write = { .submit = write_submit, .done = write_done },
		.op.complete = op_complete,
		.fd = -1,
		.work = { .run = body_job_run, .done = job_done },
	};
	if (digest)
		body->digest = *digest;
	STAILQ_INIT(&body->chunks);
	bodies->n_live++;
	*ret = body;
	return 0;
}

/* The chunk being filled is full, or no more comes soon. */
static void push_chunk(struct fetch_body *body)
{
	struct chunk *chunk = body->filling;

	body->filling = NULL;
	STAILQ_INSERT_TAIL(&body->chunks, chunk, entry);
	if (!body->to_hash)
		body->to_hash = chunk;
	if (!body->to_write)
		body->to_write = chunk;
}

int body_add(struct fetch_body *body, const void *data, size_t len)
{
	size_t room = body->filling ? CHUNK_LEN - body->filling->len : 0;
	const uint8_t *from = data;

	if (body->err < 0)
		return body->err;
	if (len > room &&
	    (len - room + CHUNK_LEN - 1) / CHUNK_LEN >
		    chunk_pool_n_free(body->bodies->pool)) {
		chunk_pool_wait(body->bodies->pool, &body->waiter);
		return BODY_FULL;
	}
	while (len) {
		size_t n;

		/* Only now: a whole object in one chunk takes the short cut. */
		if (body->filling && body->filling->len == CHUNK_LEN)
			push_chunk(body);
		if (!body->filling)
			body->filling = chunk_pool_get(body->bodies->pool);
		if (!body->filling)
			return -ENOMEM;
		n = CHUNK_LEN - body->filling->len;
		if (n > len)
			n = len;
		memcpy(body->filling->data + body->filling->len, from, n);
		body->filling->len += n;
		body->received += n;
		from += n;
		len -= n;
	}
	if (!STAILQ_EMPTY(&body->chunks))
		advance(body);
	return 0;
}

uint64_t body_size(const struct fetch_body *body)
{
	return body->received;
}

int body_error(const struct fetch_body *body)
{
	return body->err;
}

void body_flush(struct fetch_body *body)
{
	if (body->filling)
		push_chunk(body);
	advance(body);
}

void body_finish(struct fetch_body *body)
{
	body->finishing = true;
	if (body->err == 0 && !body->staged && !body->working &&
	    STAILQ_EMPTY(&body->chunks)) {
		start_job(body, BODY_WHOLE);
		return;
	}
	if (body->filling)
		push_chunk(body);
	/* Not now: done may come out of it. */
	loop_defer(body->bodies->loop, &body->soon);
}

void body_drop(struct fetch_body *body)
{
	if (!body)
		return;
	body->calls = NULL;
	chunk_pool_leave(body->bodies->pool, &body->waiter);
	loop_undefer(body->bodies->loop, &body->soon);
	advance(body);
}
