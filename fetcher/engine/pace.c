// SPDX-License-Identifier: GPL-2.0-or-later
/* How the bytes of a GET come on, and whether another mirror would be quicker. */
#include "fetcher/engine/get.h"

#include "fetcher/ingest/body.h"
#include "fetcher/mirror/mirrors.h"

/* How often a GET is looked at: soon at first, later each quarter of its age. */
#define LOOK_MIN_MS	100
#define LOOK_MAX_MS	1000

/* A race is worth it if the other mirror is so many times quicker, and so much. */
#define RACE_TIMES	2
#define RACE_MIN_MS	100
#define RACE_TIMES_UNREAD	4
#define RACE_MIN_MS_UNREAD	2000
#define RACES_MAX	4

static uint64_t now(const struct fetch *fetch)
{
	return loop_now_ms(fetch->fetcher->loop);
}

void fetch_set_racing(struct fetch *fetch, bool racing)
{
	fetch->fetcher->n_races += (unsigned int)racing -
				   (unsigned int)fetch->hedge.racing;
	fetch->hedge.racing = racing;
}

void fetch_get_note_pace(struct fetch_get *fg)
{
	struct fetcher *fetcher = fg->fetch->fetcher;
	uint64_t now_ms = now(fg->fetch);

	if (fg->first_ms && !fg->paused && fg->n_bytes > fg->mark_bytes)
		mirrors_paced(fetcher->mirrors, fg->mirror, now_ms,
			      fg->n_bytes - fg->mark_bytes,
			      now_ms - fg->mark_ms);
}

void fetch_get_mark(struct fetch_get *fg)
{
	fg->mark_ms = now(fg->fetch);
	fg->mark_size = body_size(fg->fetch->body);
	fg->mark_bytes = fg->n_bytes;
	fg->paused = false;
}

/* May it be that another mirror is worth a request? */
static bool may_double(const struct fetch *fetch)
{
	return mirrors_patience_ms(fetch->fetcher->mirrors, fetch->mirror) !=
	       UINT64_MAX;
}

void fetch_get_watch_pace(struct fetch *fetch, bool anew)
{
	uint64_t ms = (now(fetch) - fetch->get->first_ms) / 4;

	if (!anew && (fetch->hedge.second || fetch->hedge.at_ms != FETCH_NEVER))
		return;
	fetch->hedge.at_ms = FETCH_NEVER;
	if (!may_double(fetch) || fetch->size == FETCH_SIZE_UNKNOWN)
		return;
	if (ms < LOOK_MIN_MS)
		ms = LOOK_MIN_MS;
	fetch->hedge.at_ms = now(fetch) + (ms < LOOK_MAX_MS ? ms : LOOK_MAX_MS);
	fetch_start_timer(fetch);
}

/* What the rest takes at the pace at which bytes came since the mark. */
static uint64_t rest_ms(const struct fetch_get *fg)
{
	uint64_t size = body_size(fg->fetch->body);
	uint64_t past_ms = now(fg->fetch) - fg->mark_ms;

	if (size == fg->fetch->size)
		return 0;
	if (size == fg->mark_size)
		return UINT64_MAX;
	return (uint64_t)((double)(fg->fetch->size - size) *
			  (double)past_ms / (double)(size - fg->mark_size));
}

/* Would another mirror have all of it much sooner than this one has the rest? */
bool fetch_is_worth_a_race(const struct fetch *fetch, bool *ret_sure)
{
	const struct fetcher *fetcher = fetch->fetcher;
	const struct fetch_get *fg = fetch->get;
	bool read = fetch->kind == FETCH_DEMAND;
	uint64_t size = body_size(fetch->body), ms, other_ms;

	other_ms = mirrors_expected_ms(fetcher->mirrors, now(fetch),
				       fetch->round.skip |
					       (uint32_t)1 << fetch->mirror,
				       size < FETCH_RANGE_MIN ? fetch->size :
							  fetch->size - size,
				       ret_sure);
	if (other_ms == UINT64_MAX || fetch->ruled_out & FETCH_NOT_SPLICED ||
	    fg->paused || fetcher->n_races >= RACES_MAX)
		return false;
	ms = rest_ms(fg);
	return read ? ms / RACE_TIMES > other_ms + RACE_MIN_MS :
		      ms / RACE_TIMES_UNREAD > other_ms + RACE_MIN_MS_UNREAD;
}
