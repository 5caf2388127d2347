// SPDX-License-Identifier: GPL-2.0-or-later
/* One flush for many objects, then their names. */
#include "fetcher/ingest/batch.h"

#include "cache/base/container_of.h"
#include "cache/store/publish.h"

/* So many objects or bytes are enough for a flush; or so much time. */
#define BATCH_OBJECTS	128
#define BATCH_SIZE	((uint64_t)32 << 20)
#define BATCH_MS	10

static void flush(struct publish_batch *batch);

/* On a pool thread. */
static void batch_run(struct loop_work *work)
{
	struct publish_batch *batch = container_of(work, struct publish_batch,
						   work);
	int err = cfs_store_sync(batch->store);
	struct publish_item *item;

	STAILQ_FOREACH(item, &batch->flushing, entry) {
		if (err < 0) {
			cfs_object_discard(batch->store, item->fd);
			item->err = err;
			continue;
		}
		item->err = cfs_object_publish_synced(batch->store, item->fd,
						      &item->digest);
		if (item->err == CFS_PUBLISH_EXISTED)
			item->err = 0;
	}
}

static bool enough(const struct publish_batch *batch)
{
	return batch->n_waiting >= BATCH_OBJECTS ||
	       batch->waiting_size >= BATCH_SIZE;
}

static void timer_expired(struct loop_timer *timer)
{
	struct publish_batch *batch = container_of(timer, struct publish_batch,
						   timer);

	if (!batch->running && batch->n_waiting)
		flush(batch);
}

static void batch_done(struct loop_work *work)
{
	struct publish_batch *batch = container_of(work, struct publish_batch,
						   work);
	struct publish_list done;
	struct publish_item *item;

	STAILQ_INIT(&done);
	STAILQ_CONCAT(&done, &batch->flushing);
	batch->running = false;
	/* Who came meanwhile has waited for one flush already. */
	if (batch->n_waiting)
		flush(batch);
	while ((item = STAILQ_FIRST(&done))) {
		STAILQ_REMOVE_HEAD(&done, entry);
		item->done(item, item->err);
	}
}

static void flush(struct publish_batch *batch)
{
	loop_timer_stop(batch->loop, &batch->timer);
	STAILQ_CONCAT(&batch->flushing, &batch->waiting);
	batch->n_waiting = 0;
	batch->waiting_size = 0;
	batch->running = true;
	batch->work.run = batch_run;
	batch->work.done = batch_done;
	loop_work_submit(batch->loop, &batch->work);
}

void publish_batch_add(struct publish_batch *batch, struct publish_item *item)
{
	if (!batch->ready) {
		STAILQ_INIT(&batch->waiting);
		STAILQ_INIT(&batch->flushing);
		batch->timer.expired = timer_expired;
		batch->ready = true;
	}
	STAILQ_INSERT_TAIL(&batch->waiting, item, entry);
	batch->waiting_size += item->size;
	if (batch->n_waiting++ == 0 && !batch->running)
		loop_timer_start(batch->loop, &batch->timer, BATCH_MS);
	if (enough(batch) && !batch->running)
		flush(batch);
}
