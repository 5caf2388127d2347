// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How parts come on.  One that comes much more slowly than another mirror would send
 * it is ended, and what it lacks is asked for there: nothing comes twice.  A tree that
 * comes too slowly is done without.
 */
#include "fetcher/mirror/mirrors.h"
#include "fetcher/partial/internal.h"

#define LOOK_MS		100
/* What came in so long is what is to be expected of the rest. */
#define WINDOW_MS	1000

/* It is worth it if another mirror is so many times quicker, and so much. */
#define TIMES		2
#define MIN_MS		100

static struct fetcher *fetcher_of(const struct partial *partial)
{
	return partial->partials->fetcher;
}

static uint64_t now(const struct partial *partial)
{
	return loop_now_ms(fetcher_of(partial)->loop);
}

void partial_range_mark(struct partial_range *range)
{
	range->mark_ms = now(range->partial);
	range->mark_bytes = range->n_bytes;
	range->paused = false;
}

void partial_range_note_pace(struct partial_range *range)
{
	struct partial *partial = range->partial;

	if (range->first_ms && !range->paused &&
	    range->n_bytes > range->mark_bytes)
		mirrors_paced(fetcher_of(partial)->mirrors, range->mirror,
			      now(partial), range->n_bytes - range->mark_bytes,
			      now(partial) - range->mark_ms);
}

/* What the rest takes; UINT64_MAX: nothing comes. */
static uint64_t rest_ms(const struct partial_range *range)
{
	uint64_t past_ms = now(range->partial) - range->mark_ms;
	uint64_t came = range->n_bytes - range->mark_bytes;

	if (!range->first_ms)
		return now(range->partial) < range->sent_ms +
			mirrors_patience_ms(fetcher_of(range->partial)->mirrors,
					    range->mirror) ? 0 : UINT64_MAX;
	if (!came)
		return past_ms < LOOK_MS ? 0 : UINT64_MAX;
	return (range->get.length - range->n_bytes) * past_ms / came;
}

static bool is_slow(const struct partial_range *range, bool *ret_sure)
{
	struct partial *partial = range->partial;
	uint32_t skip = partial->round.skip | partial->no_parts |
			(uint32_t)1 << range->mirror;
	uint64_t other_ms;

	if (range->span.kind == PARTIAL_NODES)
		skip |= partial_without_tree(partial);
	other_ms = mirrors_expected_ms(fetcher_of(partial)->mirrors, now(partial),
				       skip, range->get.length - range->n_bytes,
				       ret_sure);
	return !range->paused && other_ms != UINT64_MAX &&
	       rest_ms(range) / TIMES > other_ms + MIN_MS;
}

void partial_look(struct partial *partial)
{
	struct mirrors *mirrors = fetcher_of(partial)->mirrors;
	struct partial_range *range, *next;
	bool sure, tried = false;

	partial->look_ms = FETCH_NEVER;
	for (range = TAILQ_FIRST(&partial->ranges); range; range = next) {
		next = TAILQ_NEXT(range, entry);
		if (!range->active)
			continue;
		if (partial_tree_is_late(range)) {
			partial_tree_give_up(range, FETCH_RESULT_TIMEOUT);
			partial_range_cancel(range);
			partial_settle(partial);
			continue;
		}
		/* One at a time, to a mirror of which nothing is known. */
		if (is_slow(range, &sure) && (sure || !tried) &&
		    mirrors_may_double(mirrors, now(partial), range->mirror,
				       sure)) {
			tried = true;
			partial->slow |= (uint32_t)1 << range->mirror;
			partial_range_cancel(range);
			partial_settle(partial);
			continue;
		}
		if (range->first_ms &&
		    now(partial) >= range->mark_ms + WINDOW_MS) {
			partial_range_note_pace(range);
			partial_range_mark(range);
		}
	}
	partial_watch_pace(partial);
}

void partial_watch_pace(struct partial *partial)
{
	/* Without blocks parts of a tree may be late. */
	if (partial->look_ms == FETCH_NEVER && partial->n_gets &&
	    ((partial->map.has_tree &&
	      !partial->map.bits[PARTIAL_DATA].here.n_set) ||
	     mirrors_patience_ms(fetcher_of(partial)->mirrors, 0) != UINT64_MAX))
		partial->look_ms = now(partial) + LOOK_MS;
}
