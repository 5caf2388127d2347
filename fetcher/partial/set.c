// SPDX-License-Identifier: GPL-2.0-or-later
/* All partial objects of an engine, and whether there may be any. */
#include <errno.h>
#include <stdlib.h>

#include "cache/base/container_of.h"
#include "fetcher/mirror/mirrors.h"
#include "fetcher/partial/internal.h"

/* Nobody waits longer than this for a mirror to say that it has trees. */
#define PATIENCE_MS	2000

/* So many objects, of which a mirror refuses ranges, are enough; for how long. */
#define REFUSALS_MAX		2
#define WITHOUT_RANGE_MS	(10 * 60 * 1000)

bool partials_undecided(const struct partials *partials)
{
	const struct fetcher *fetcher = partials->fetcher;

	return !mirror_offers_settled(fetcher->offers) &&
	       loop_now_ms(fetcher->loop) < partials->patient_until_ms;
}

/* A mirror has said what it has: who waited for that goes on. */
static void offers_changed(struct mirror_offers_watcher *watcher)
{
	struct partials *partials =
		container_of(watcher, struct partials, watcher);
	struct partial *partial;

	LIST_FOREACH(partial, &partials->all, entry) {
		if (partial->asked || partial->n_gets)
			continue;
		partial->wake_ms = FETCH_NEVER;
		partial_settle(partial);
	}
}

int partials_new(struct fetcher *fetcher, struct partials **ret)
{
	struct partials *partials = calloc(1, sizeof(*partials));

	if (!partials)
		return -ENOMEM;
	partials->fetcher = fetcher;
	LIST_INIT(&partials->all);
	TAILQ_INIT(&partials->idle);
	partials->patient_until_ms = loop_now_ms(fetcher->loop) + PATIENCE_MS;
	partials->watcher.changed = offers_changed;
	mirror_offers_watch(fetcher->offers, &partials->watcher);
	*ret = partials;
	return 0;
}

bool partials_offered(const struct partials *partials)
{
	const struct fetcher *fetcher = partials->fetcher;

	for (size_t i = 0; i < mirrors_count(fetcher->mirrors); i++)
		if (mirror_offers(fetcher->offers, i, CFS_MIRROR_VERITY))
			return true;
	return false;
}

bool partials_readable(const struct partials *partials,
		       const struct cfs_digest *digest, uint64_t size)
{
	return size != FETCH_SIZE_UNKNOWN &&
	       size >= partials->fetcher->config->large_size &&
	       size > VERITY_BLOCK_LEN &&
	       (partials_offered(partials) || partials_undecided(partials) ||
		cfs_partial_exists(partials->fetcher->store, digest));
}

uint32_t partials_without_range(const struct partials *partials)
{
	uint64_t now_ms = loop_now_ms(partials->fetcher->loop);
	uint32_t mask = 0;

	for (size_t i = 0; i < mirrors_count(partials->fetcher->mirrors); i++)
		if (now_ms < partials->manners[i].until_ms)
			mask |= (uint32_t)1 << i;
	return mask;
}

void partials_range_came(struct partials *partials, size_t mirror)
{
	partials->manners[mirror] = (struct partial_manners){ .refused = 0 };
}

void partials_range_refused(struct partials *partials, size_t mirror)
{
	struct partial_manners *manners = &partials->manners[mirror];

	if (++manners->refused >= REFUSALS_MAX)
		manners->until_ms = loop_now_ms(partials->fetcher->loop) +
				    WITHOUT_RANGE_MS;
}

void partials_stop(struct partials *partials)
{
	struct partial *partial;

	partials->stopping = true;
	LIST_FOREACH(partial, &partials->all, entry) {
		partial_tell(partial, -ESHUTDOWN);
		partial_settle(partial);
	}
}

bool partials_busy(const struct partials *partials)
{
	return partials->n_jobs || partials->n_gets;
}

void partials_free(struct partials *partials)
{
	struct partial_handle *handle;
	struct partial_range *range;
	struct partial *partial;

	if (!partials)
		return;
	mirror_offers_unwatch(&partials->watcher);
	while ((partial = LIST_FIRST(&partials->all))) {
		while ((handle = LIST_FIRST(&partial->handles))) {
			LIST_REMOVE(handle, entry);
			free(handle);
		}
		partial_free(partial);
	}
	while ((range = TAILQ_FIRST(&partials->idle))) {
		TAILQ_REMOVE(&partials->idle, range, entry);
		partial_range_free(range);
	}
	free(partials);
}

unsigned int partials_n_gets(const struct partials *partials)
{
	return partials->n_gets;
}

void partials_pump(struct partials *partials)
{
	struct partial *partial, *next;

	for (partial = LIST_FIRST(&partials->all); partial; partial = next) {
		next = LIST_NEXT(partial, entry);
		partial_pump(partial);
	}
}

void partials_room_ended(struct partials *partials, bool helped)
{
	struct partial *partial;

	LIST_FOREACH(partial, &partials->all, entry) {
		if (!partial->no_room)
			continue;
		partial->no_room = false;
		if (!helped)
			partial_room_give_up(partial, partial->room_err);
		partial_settle(partial);
	}
}

bool partials_shed(struct partials *partials)
{
	struct partial *partial;
	bool any = false;

	LIST_FOREACH(partial, &partials->all, entry)
		if (!partial->no_room && !partial->owner &&
		    TAILQ_EMPTY(&partial->readers) &&
		    TAILQ_EMPTY(&partial->ranges) && !partial->working)
			any |= partial_shed(partial);
	return any;
}

const struct partial_stats *partials_stats(const struct partials *partials)
{
	return &partials->stats;
}
