// SPDX-License-Identifier: GPL-2.0-or-later
/* Bytes from the network: chunked, hashed, written, published. */
#include "fetcher/fetch_body.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/container_of.h"
#include "cache/base/failpoint.h"
#include "cache/base/full_io.h"
#include "cache/object_publish.h"
#include "cache/object_write.h"
#include "cache/store.h"
#include "cache/verity_hash.h"
#include "fetcher/chunk_pool.h"
#include "fetcher/loop.h"
#include "fetcher/publish_batch.h"

struct fetch_bodies {
	struct loop *loop;
	struct cfs_store *store;
	struct chunk_pool *pool;
	LIST_HEAD(, fetch_body) idle;	/* with their hashes, to be used again */
	size_t n_live;
	bool in_batches;
	struct publish_batch batch;
	void (*changed)(void *context);
	void *context;
};

/* What the job on the pool thread is to do. */
enum body_job {
	BODY_HASH,		/* n_hash chunks; stage first, if not done yet */
	BODY_PUBLISH,		/* all is hashed and written; with batches, check */
	BODY_WHOLE,		/* one chunk that is the whole object, likewise */
};

struct fetch_body {
	struct fetch_bodies *bodies;
	LIST_ENTRY(fetch_body) entry;
	const struct fetch_body_calls *calls;	/* NULL: dropped */
	void *context;
	bool expects;			/* digest is what it must have */
	struct cfs_digest digest;
	uint64_t size;
	uint64_t received;

	struct chunk *filling;
	struct chunk_list chunks;	/* full ones, oldest first */
	struct chunk *to_hash, *to_write;	/* of chunks, or NULL */
	struct chunk_waiter waiter;
	struct loop_deferred soon;	/* resume, or go on after a failure */

	struct cfs_verity_hash *hash;
	struct cfs_object_write write;
	unsigned int n_write;		/* chunks, from to_write on */
	struct loop_op op;
	int fd;				/* -1: none; the first job's until staged */
	bool staged;

	struct loop_work work;
	enum body_job job;
	size_t n_hash;			/* chunks, from to_hash on */
	struct publish_item item;	/* in a batch; working as long */
	bool working;			/* the job owns hash and job_err */
	bool finishing;			/* body_finish() was called */
	int job_err;
	int err;			/* first failure */
};

static void advance(struct fetch_body *body);

/* On a pool thread. */
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

/* On a pool thread: is it what it must be? */
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

/* On a pool thread: the descriptor is consumed, unless a batch will do so. */
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

static void job_run(struct loop_work *work)
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

static void body_free(struct fetch_body *body)
{
	cfs_verity_hash_free(body->hash);
	free(body);
}

void body_set_first(struct fetch_body *body)
{
	body->work.first = true;
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
		.work = { .run = job_run, .done = job_done },
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

int fetch_bodies_new(struct loop *loop, struct cfs_store *store, size_t n_chunks,
		     struct fetch_bodies **ret)
{
	struct fetch_bodies *bodies = calloc(1, sizeof(*bodies));

	if (!bodies)
		return -ENOMEM;
	if (chunk_pool_new(n_chunks, &bodies->pool) < 0) {
		free(bodies);
		return -ENOMEM;
	}
	bodies->loop = loop;
	bodies->store = store;
	LIST_INIT(&bodies->idle);
	*ret = bodies;
	return 0;
}

void fetch_bodies_in_batches(struct fetch_bodies *bodies)
{
	bodies->in_batches = !cfs_store_has_verity(bodies->store);
	bodies->batch.loop = bodies->loop;
	bodies->batch.store = bodies->store;
}

void fetch_bodies_free(struct fetch_bodies *bodies)
{
	struct fetch_body *body;

	if (!bodies)
		return;
	while ((body = LIST_FIRST(&bodies->idle))) {
		LIST_REMOVE(body, entry);
		body_free(body);
	}
	chunk_pool_free(bodies->pool);
	free(bodies);
}

size_t fetch_bodies_n_live(const struct fetch_bodies *bodies)
{
	return bodies->n_live;
}

struct chunk_pool *fetch_bodies_pool(const struct fetch_bodies *bodies)
{
	return bodies->pool;
}

size_t fetch_bodies_n_free(const struct fetch_bodies *bodies)
{
	return chunk_pool_n_free(bodies->pool);
}

void fetch_bodies_on_change(struct fetch_bodies *bodies,
			    void (*changed)(void *context), void *context)
{
	bodies->changed = changed;
	bodies->context = context;
}
