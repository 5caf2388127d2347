// SPDX-License-Identifier: GPL-2.0-or-later
/* One syncfs for many published names. */
#include "fetcher/ingest/sync.h"

#include "cache/base/container_of.h"
#include "cache/store/publish.h"

#define SYNC_AFTER_MS	5000
#define SYNC_AFTER_SIZE	((uint64_t)64 << 20)

static void sync_run(struct loop_work *work)
{
	struct fetch_sync *sync = container_of(work, struct fetch_sync, work);

	sync->err = cfs_store_sync(sync->store);
}

static void timer_expired(struct loop_timer *timer)
{
	fetch_sync_now(container_of(timer, struct fetch_sync, timer));
}

static void start_timer(struct fetch_sync *sync)
{
	sync->timer.expired = timer_expired;
	loop_timer_start(sync->loop, &sync->timer, SYNC_AFTER_MS);
}

static void sync_done(struct loop_work *work)
{
	struct fetch_sync *sync = container_of(work, struct fetch_sync, work);

	sync->running = false;
	if (sync->dirty)
		start_timer(sync);
	sync->synced(sync->context, sync->err);
}

bool fetch_sync_now(struct fetch_sync *sync)
{
	if (sync->running)
		return true;
	if (!sync->dirty)
		return false;
	loop_timer_stop(sync->loop, &sync->timer);
	sync->dirty = false;
	sync->dirty_size = 0;
	sync->running = true;
	sync->work.run = sync_run;
	sync->work.done = sync_done;
	loop_work_submit(sync->loop, &sync->work);
	return true;
}

void fetch_sync_add(struct fetch_sync *sync, uint64_t size)
{
	bool first = !sync->dirty;

	sync->dirty = true;
	sync->dirty_size += size;
	if (sync->running)
		return;
	if (sync->dirty_size >= SYNC_AFTER_SIZE)
		fetch_sync_now(sync);
	else if (first)
		start_timer(sync);
}
