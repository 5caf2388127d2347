// SPDX-License-Identifier: GPL-2.0-or-later
/* Which part to ask for next, of which mirror, and when to try again. */
#include <errno.h>
#include <string.h>

#include "cache/base/container_of.h"
#include "fetcher/mirror/mirrors.h"
#include "fetcher/partial/internal.h"

/* Parts at once of what nobody waits for yet. */
#define AHEAD_PARTS	8

/*
 * Blocks in a part.  Blocks of a part are read as they come, so a large one delays
 * nobody; a small one costs a round trip more often.
 */
#define AHEAD_BLOCKS	1024		/* 4 MiB */
#define FILL_BLOCKS	2048		/* 8 MiB */

#define LOOK_AGAIN_MS	200
#define PROGRESS_MS	10000

static struct fetcher *fetcher_of(const struct partial *partial)
{
	return partial->partials->fetcher;
}

/* May another GET go?  One always may, so that each gets on. */
static bool has_slot(const struct partial *partial)
{
	const struct fetcher *fetcher = fetcher_of(partial);

	return partial->n_gets == 0 ||
	       fetcher->stats.in_flight + partial->partials->n_gets <
		       fetcher_slots(fetcher);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* @ret_waited: a reader waits for it */
static bool next_span(const struct partial *partial, struct partial_span *ret,
		      bool *ret_waited)
{
	const struct partial_map *map = &partial->map;
	const struct partial_reader *reader;
	const struct partial_handle *handle;

	*ret_waited = true;
	if (map->has_tree) {
		TAILQ_FOREACH(reader, &partial->readers, entry)
			if (partial_map_next(map, reader->from, reader->to,
					     reader->to - reader->from, ret))
				return true;
		*ret_waited = false;
		if (partial->n_gets >= AHEAD_PARTS)
			return false;
		LIST_FOREACH(handle, &partial->handles, entry)
			if (handle->window &&
			    partial_map_next(map, handle->next,
					     handle->next + handle->window,
					     least(AHEAD_BLOCKS,
						   handle->window / 2), ret))
				return true;
	}
	return partial->fill && partial->whole &&
	       partial->n_gets < AHEAD_PARTS &&
	       partial_map_next(map, 0, map->tree.n_data, FILL_BLOCKS, ret);
}

static uint32_t all_mirrors(const struct partial *partial)
{
	return ((uint32_t)1 << mirrors_count(fetcher_of(partial)->mirrors)) - 1;
}

uint32_t partial_without_tree(const struct partial *partial)
{
	const struct fetcher *fetcher = fetcher_of(partial);
	uint32_t mask = partial->no_tree | partial->no_parts;

	if (partial->map.bits[PARTIAL_DATA].here.n_set)
		return mask;
	for (size_t i = 0; i < mirrors_count(fetcher->mirrors); i++)
		if (!mirror_offers(fetcher->offers, i, CFS_MIRROR_VERITY))
			mask |= (uint32_t)1 << i;
	return mask;
}

/* Every mirror was asked in vain. */
static void round_over(struct partial *partial)
{
	struct fetcher *fetcher = fetcher_of(partial);
	struct fetch_round round = partial->round;
	struct fetch_conclusion conclusion;

	round.missing |= partial->no_parts;
	partial->round = (struct fetch_round){ .no_cache = round.no_cache };
	if (fetch_round_verdict(&round, mirrors_count(fetcher->mirrors),
				fetcher->config->hard) == FETCH_GIVE_UP) {
		fetch_round_conclude(&round, &conclusion);
		partial_fail(partial, conclusion.result, conclusion.err,
			     conclusion.reason);
		return;
	}
	partial->wake_ms = loop_now_ms(fetcher->loop) +
			   mirrors_backoff_ms(++partial->n_rounds,
					      fetcher_random32(fetcher));
}

/* Nobody can be asked for this at all, or not now. */
static void nobody(struct partial *partial, enum partial_kind kind)
{
	uint32_t all = all_mirrors(partial);

	if (kind == PARTIAL_NODES && partials_undecided(partial->partials))
		partial->wake_ms = loop_now_ms(fetcher_of(partial)->loop) +
				   LOOK_AGAIN_MS;
	else if (partial->no_parts == all)
		partial->turn = TURN_STREAM;
	else if (kind == PARTIAL_NODES && partial_without_tree(partial) == all)
		partial->turn = TURN_PLAIN;
	else
		round_over(partial);
	partial_settle(partial);
}

/*
 * Without a tree parts come from one mirror as long as it may be asked: if they are
 * wrong together, it is known whose fault that is.  A mirror that was slow is left
 * alone until another one has sent a part, or has failed.
 */
static int pick(struct partial *partial, enum partial_kind kind, size_t *ret,
		uint64_t *ret_at_ms)
{
	struct fetcher *fetcher = fetcher_of(partial);
	uint64_t now_ms = loop_now_ms(fetcher->loop);
	uint32_t skip = partial->round.skip | partial->no_parts;
	uint32_t same = (uint32_t)1 << partial->mirror;

	if (kind == PARTIAL_NODES)
		skip |= partial_without_tree(partial);
	else if (!partial->map.has_tree && partial->asked &&
		 !(partial->slow & same) &&
		 mirrors_pick(fetcher->mirrors, now_ms,
			      skip | (all_mirrors(partial) & ~same), ret,
			      ret_at_ms) == 0)
		return 0;
	if (partial->slow && mirrors_pick(fetcher->mirrors, now_ms,
					  skip | partial->slow, ret,
					  ret_at_ms) == 0)
		return 0;
	return mirrors_pick(fetcher->mirrors, now_ms, skip, ret, ret_at_ms);
}

static void note_mirror(struct partial *partial, size_t mirror)
{
	partial->spliced |= partial->asked && partial->mirror != mirror;
	partial->asked = true;
	partial->mirror = mirror;
}

/* Ask for one part.  False: no more of them now. */
static bool ask(struct partial *partial, const struct partial_span *span,
		bool waited)
{
	struct fetcher *fetcher = fetcher_of(partial);
	uint64_t at_ms;
	size_t mirror;
	int err;

	if (!partial_room_take(partial, span)) {
		/* What nobody waits for yet is worth no collection. */
		if (waited)
			partial_room_none(partial,
					  (span->to - span->from + 2) *
						  VERITY_BLOCK_LEN, -ENOSPC);
		return false;
	}
	switch (pick(partial, span->kind, &mirror, &at_ms)) {
	case MIRRORS_NONE:
		partial_room_left(partial, span);
		nobody(partial, span->kind);
		return false;
	case MIRRORS_WAIT:
		partial_room_left(partial, span);
		if (span->kind == PARTIAL_NODES && at_ms != UINT64_MAX &&
		    partial_tree_is_not_now(partial, at_ms)) {
			partial->turn = TURN_PLAIN;
			partial_settle(partial);
			return false;
		}
		/* Without a time: when a request to it has ended. */
		partial->wake_ms = at_ms != UINT64_MAX ? at_ms :
				   loop_now_ms(fetcher->loop) + LOOK_AGAIN_MS;
		return false;
	}
	if (span->kind == PARTIAL_DATA)
		note_mirror(partial, mirror);
	err = partial_range_start(partial, span, mirror);
	if (err < 0) {
		partial_room_left(partial, span);
		mirrors_report(fetcher->mirrors, mirror,
			       loop_now_ms(fetcher->loop), FETCH_RESULT_LOCAL,
			       0, 0);
		partial_fail(partial, FETCH_RESULT_LOCAL, err, strerror(-err));
		return false;
	}
	return true;
}

void partial_pump(struct partial *partial)
{
	struct partial_span span;
	bool waited;

	while (partial->state == PARTIAL_ACTIVE && partial->turn == TURN_NONE &&
	       !partial->partials->stopping && !partial->no_room &&
	       !partial->forget && partial->wake_ms == FETCH_NEVER &&
	       has_slot(partial) && next_span(partial, &span, &waited))
		if (!ask(partial, &span, waited))
			break;
	partial_watch_pace(partial);
	partial_start_timer(partial);
}

void partial_start_timer(struct partial *partial)
{
	struct loop *loop = fetcher_of(partial)->loop;
	const struct partial_reader *oldest = TAILQ_FIRST(&partial->readers);
	uint64_t at_ms = partial->wake_ms, now_ms = loop_now_ms(loop);

	/* In one stream the deadline is the fetch's. */
	if (oldest && partial->state != PARTIAL_STREAM)
		at_ms = least(at_ms, oldest->deadline_ms);
	at_ms = least(at_ms, partial->look_ms);
	if (at_ms == FETCH_NEVER)
		loop_timer_stop(loop, &partial->timer);
	else
		loop_timer_start(loop, &partial->timer,
				 at_ms > now_ms ? at_ms - now_ms : 0);
}

static void fail_late(struct partial *partial, uint64_t now_ms)
{
	struct partial_reader *reader;

	while ((reader = TAILQ_FIRST(&partial->readers)) &&
	       reader->deadline_ms <= now_ms) {
		partial_leave(reader);
		reader->done(reader, partial->no_room ? partial->room_err :
				     partial->heard ? -ETIMEDOUT :
						      -EHOSTUNREACH);
	}
}

void partial_timer_expired(struct loop_timer *timer)
{
	struct partial *partial = container_of(timer, struct partial, timer);
	uint64_t now_ms = loop_now_ms(fetcher_of(partial)->loop);
	struct partial_reader *oldest = TAILQ_FIRST(&partial->readers);

	if (partial->wake_ms <= now_ms)
		partial->wake_ms = FETCH_NEVER;
	if (partial->look_ms <= now_ms)
		partial_look(partial);
	if (oldest && oldest->deadline_ms <= now_ms &&
	    partial->state != PARTIAL_STREAM) {
		/* The deadline does not cut what makes progress. */
		if (now_ms < partial->progress_ms + PROGRESS_MS)
			oldest->deadline_ms = partial->progress_ms + PROGRESS_MS;
		else
			fail_late(partial, now_ms);
	}
	partial_pump(partial);
	partial_settle(partial);
}
