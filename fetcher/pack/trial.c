// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Is a pack worth waiting for?  While one comes so slowly that it will take a while, one of
 * its objects is fetched by a GET of its own, now and then.  If that brings bytes much faster
 * than all streams of the pack did at the same time, the pack is given up.  A link that is
 * slow for all mirrors gives the GET less than it gives the pack.
 */
#include "cache/base/container_of.h"
#include "fetcher/engine/fetch.h"
#include "fetcher/mirror/mirrors.h"
#include "fetcher/pack/internal.h"

#define LOOK_MS		1000
/* What is here within this time is not worth a trial. */
#define LONG_MS		5000
#define TRIAL_PAUSE_MS	10000
/* An object that is large enough to tell, and no more than a few times so large. */
#define TRIAL_MAX	((uint64_t)4 << 20)
#define TIMES		2

static uint64_t now(const struct pack_fetch *pack)
{
	return loop_now_ms(pack->loop);
}

bool pack_is_tried(const struct pack_fetch *pack, uint32_t object)
{
	return pack->trial.waiter.fetch && pack->trial.object == object;
}

static void trial_done(struct fetch_waiter *waiter, int err)
{
	struct pack_fetch *pack =
		container_of(waiter, struct pack_fetch, trial.waiter);
	struct pack_trial *trial = &pack->trial;
	uint64_t ms = now(pack) - trial->begun_ms + 1;
	uint64_t came = pack->received - trial->received + 1;

	trial->next_ms = now(pack) + TRIAL_PAUSE_MS;
	if (err == 0 && !pack->over &&
	    pack->index->objects[trial->object].size / TIMES > came &&
	    ms < LONG_MS)
		pack_give_up(pack, false);
}

/* Of those that have not begun to come, the last of the largest that are not too large. */
static bool choose(const struct pack_fetch *pack, uint32_t *ret)
{
	const struct cfs_pack_index *index = pack->index;
	uint64_t best = 0;

	for (uint32_t i = 0; i < index->n_objects; i++) {
		uint64_t size = index->objects[i].size;

		if (pack->states[i] != PACK_AHEAD || size < best ||
		    size > TRIAL_MAX)
			continue;
		best = size;
		*ret = i;
	}
	return best > 0;
}

static void try_another_way(struct pack_fetch *pack)
{
	struct pack_trial *trial = &pack->trial;
	const struct cfs_object_entry *object;

	if (trial->waiter.fetch || now(pack) < trial->next_ms ||
	    !choose(pack, &trial->object))
		return;
	object = &pack->index->objects[trial->object];
	trial->begun_ms = now(pack);
	trial->received = pack->received;
	trial->waiter.done = trial_done;
	fetch_object(pack->fetcher, &object->digest, object->size,
		     FETCH_PREFETCH, &trial->waiter);
}

/* Streams that wait for bytes; 0 if any waits for us. */
static unsigned int n_hungry(const struct pack_fetch *pack)
{
	unsigned int n = 0;

	for (size_t i = 0; i < PACK_STREAMS; i++) {
		if (pack->streams[i].carry)
			return 0;
		n += pack->streams[i].active;
	}
	return n;
}

static void look(struct loop_timer *timer)
{
	struct pack_fetch *pack = container_of(timer, struct pack_fetch,
					       trial.timer);
	struct mirrors *mirrors = fetcher_mirrors(pack->fetcher);
	struct pack_trial *trial = &pack->trial;
	uint64_t came = pack->received - trial->mark_received;
	uint64_t past_ms = now(pack) - trial->mark_ms;
	unsigned int n = n_hungry(pack);

	if (n && past_ms) {
		mirrors_paced(mirrors, pack->mirror, now(pack), came / n, past_ms);
		if (mirrors_patience_ms(mirrors, pack->mirror) != UINT64_MAX &&
		    came * LONG_MS / past_ms <
			    pack->index->file_size - pack->received)
			try_another_way(pack);
	}
	trial->mark_ms = now(pack);
	trial->mark_received = pack->received;
	loop_timer_start(pack->loop, timer, LOOK_MS);
}

void pack_trial_start(struct pack_fetch *pack)
{
	pack->trial.timer.expired = look;
	pack->trial.mark_ms = now(pack);
	pack->trial.mark_received = pack->received;
	loop_timer_start(pack->loop, &pack->trial.timer, LOOK_MS);
}

void pack_trial_stop(struct pack_fetch *pack)
{
	loop_timer_stop(pack->loop, &pack->trial.timer);
	fetch_leave(pack->fetcher, &pack->trial.waiter);
}
