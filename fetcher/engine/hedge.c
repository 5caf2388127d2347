// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The GETs of a fetch: one, and a second one to another mirror when the first is late,
 * or so slow that the other mirror would have all of the object much sooner.
 *
 *	        no byte yet         first bytes of either
 *	ONE ------------> TWO ------------------------------> ONE, and a loser
 *	 ^ |               |                                   ^
 *	 | |               | one of them fails                 | the second has caught up,
 *	 +-----------------+                                   | or the first is through
 *	 ^ |  slow                                             |
 *	 | +------------> RACING ------------------------------+
 *	 |                 | one of them fails
 *	 +-----------------+
 *
 * Two GETs never add to the body together.  While no byte has come, the first one that
 * brings some is the one.  In a race the first GET goes on adding; what the second
 * brings of the bytes that are here is passed over, and it is the one as soon as it brings
 * more.  The other one is cancelled.  That has to wait until libcurl is not on the stack
 * any more, so for a moment there is a loser, whose bytes are refused.
 *
 * A race costs bytes twice.  It takes a credit (mirrors.h), or that the other mirror has
 * just shown that it is much quicker; and only a few are run at a time, so that a link
 * that all mirrors share, and that has become slow, is not filled with second GETs.
 *
 * A mirror that has compressed objects is asked for one of those, once; if that is
 * not there, or wrong, the fetch goes on with the object itself.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/container_of.h"
#include "cache/mirror/zstd.h"
#include "fetcher/ingest/body.h"
#include "fetcher/engine/get.h"
#include "fetcher/engine/internal.h"
#include "fetcher/ingest/zstd_body.h"
#include "fetcher/mirror/offers.h"
#include "fetcher/mirror/mirrors.h"

/* So many in a row that a mirror does not have compressed: it has few. */
#define ZST_MISSING_MAX	16

/* Bytes; so much of an object of no known size is booked before it comes. */
#define BOOK_AHEAD	((uint64_t)1 << 20)

#define URL_EXTRA_LEN	(sizeof("/objects/") + CFS_OBJECT_NAME_LEN)

static uint64_t now(const struct fetch *fetch)
{
	return loop_now_ms(fetch->fetcher->loop);
}

static void get_free(struct fetch_get *fg)
{
	fetch_zst_free(fg->zst);
	free(fg);
}

/* It is not active any more. */
static bool report(struct fetch_get *fg, enum fetch_result result,
		   uint64_t first_byte_ms, uint64_t pause_ms)
{
	struct fetcher *fetcher = fg->fetch->fetcher;

	return mirrors_report(fetcher->mirrors, fg->mirror, now(fg->fetch),
			      result, first_byte_ms, pause_ms);
}

/*
 * End one that is active.  Nothing is learnt about its mirror, unless it was late
 * and nobody has heard of that mirror since: that is what a timeout is.
 */
static void cancel(struct fetch_get *fg)
{
	struct fetcher *fetcher = fg->fetch->fetcher;
	bool timeout = fg->late && !mirrors_heard_since(fetcher->mirrors,
							fg->mirror, fg->sent_ms);

	fetch_get_note_pace(fg);
	if (!fg->ended)
		fetcher->transport->cancel(fetcher->transport_context, &fg->get);
	report(fg, timeout ? FETCH_RESULT_TIMEOUT : FETCH_RESULT_CANCELLED, 0, 0);
	get_free(fg);
}

static void drop_loser(struct fetch *fetch)
{
	if (!fetch->hedge.loser)
		return;
	loop_undefer(fetch->fetcher->loop, &fetch->hedge.drop_loser);
	cancel(fetch->hedge.loser);
	fetch->hedge.loser = NULL;
}

void fetch_loser_deferred(struct loop_deferred *deferred)
{
	drop_loser(container_of(deferred, struct fetch,
				hedge.drop_loser));
}

/* One of two brings the object. */
static void choose(struct fetch *fetch, struct fetch_get *winner)
{
	if (fetch->hedge.racing && winner == fetch->hedge.second)
		fetch->spliced = true;
	if (fetch->hedge.racing)
		fetch_get_mark(winner);
	fetch_set_racing(fetch, false);
	if (winner == fetch->hedge.second) {
		fetch->fetcher->stats.hedges_won++;
		fetch->hedge.second = fetch->get;
		fetch->get = winner;
		fetch->mirror = winner->mirror;
	}
	fetch->hedge.loser = fetch->hedge.second;
	fetch->hedge.second = NULL;
	loop_defer(fetch->fetcher->loop, &fetch->hedge.drop_loser);
}

/* Of its next @len bytes those at the front that the body has. */
static size_t bytes_here(const struct fetch_get *fg, size_t len)
{
	uint64_t size = body_size(fg->fetch->body);

	if (fg->zst || size <= fg->position)
		return 0;
	return size - fg->position < len ? size - fg->position : len;
}

/*
 * How large an object is may be known only as it comes: book what its mirror
 * announces, else what has come, a step ahead.
 */
static int book_unknown(const struct fetch_get *fg, size_t len)
{
	struct fetch *fetch = fg->fetch;
	struct fetch_room *room = &fetch->fetcher->room;
	uint64_t size = body_size(fetch->body) + len, need;

	if (fetch->size != FETCH_SIZE_UNKNOWN)
		return 0;
	if (size <= fg->get.announced)
		size = fg->get.announced;
	need = fetch_room_need(room, size);
	if (need <= fetch->booked)
		return 0;
	if (size != fg->get.announced)
		need += BOOK_AHEAD;
	if (fetch_room_book_bytes(room, need - fetch->booked, &fetch->booked))
		return 0;
	fetch->need = need;
	fetch->room_err = -ENOSPC;
	return -ENOSPC;
}

static int get_data(struct http_get *get, const void *data, size_t len)
{
	struct fetch_get *fg = container_of(get, struct fetch_get, get);
	struct fetch *fetch = fg->fetch;
	size_t here = bytes_here(fg, len);
	bool first;
	int err = 0;

	if (fg == fetch->hedge.loser)
		return HTTP_DATA_PAUSE;
	mirrors_heard(fetch->fetcher->mirrors, fg->mirror, now(fetch));
	first = !fg->first_ms;
	if (first) {
		fg->first_ms = now(fetch);
		fetch_get_mark(fg);
	}
	if (len <= here)
		err = 0;	/* the one that it races with has brought it */
	else if (fetch->hedge.second &&
		 !(fetch->hedge.racing && fg == fetch->get))
		choose(fetch, fg);
	if (fg == fetch->get)
		fetch_get_watch_pace(fetch, first);
	if (len > here)
		err = book_unknown(fg, len - here);
	if (err == 0 && len > here)
		err = fg->zst ? fetch_zst_add(fg->zst, data, len) :
				body_add(fetch->body,
					 (const uint8_t *)data + here, len - here);
	fg->corrupt = fg->zst && err == -EBADMSG;
	if (err == BODY_FULL || err == HTTP_DATA_PAUSE) {
		fg->paused = true;
		return HTTP_DATA_PAUSE;
	}
	if (err == 0) {
		fg->n_bytes += len;
		fg->position += len;
		fetch->fetcher->progress_ms = now(fetch);
	}
	return err;
}

/* A bucket that may not be listed denies what it does not have. */
static bool is_missing(enum fetch_result result)
{
	return result == FETCH_RESULT_MISSING || result == FETCH_RESULT_DENIED;
}

/* What was compressed is of no use.  Is that to be held against its mirror? */
static void note_zst(struct fetch_get *fg, enum fetch_result result)
{
	struct fetcher *fetcher = fg->fetch->fetcher;
	unsigned int *missing = &fetcher->zst_missing[fg->mirror];

	fg->fetch->ruled_out |= FETCH_NOT_ZST;
	if (!is_missing(result)) {
		mirrors_blame(fetcher->mirrors, fg->mirror, now(fg->fetch));
		mirror_offers_broken(fetcher->offers, fg->mirror, CFS_MIRROR_ZST);
	} else if (++*missing == ZST_MISSING_MAX) {
		mirror_offers_broken(fetcher->offers, fg->mirror, CFS_MIRROR_ZST);
		*missing = 0;
	}
}

/* Has a compressed object failed in a way that says nothing about the object? */
static bool is_about_zst(const struct fetch_get *fg, enum fetch_result result)
{
	return fg->zst && (fg->corrupt || is_missing(result) ||
			   result == FETCH_RESULT_BAD_SIZE);
}

/* One of two has failed: the other one is the GET. */
static void lost_one(struct fetch *fetch, struct fetch_get *fg,
		     const struct http_answer *answer)
{
	fetch->mirror = fg->mirror;
	if (!is_about_zst(fg, answer->result))
		fetch_note_get(fetch, answer);
	if (fg == fetch->get) {
		fetch->get = fetch->hedge.second;
		fetch->spliced |= fetch->hedge.racing;
	}
	fetch->mirror = fetch->get->mirror;
	fetch->hedge.second = NULL;
	fetch_set_racing(fetch, false);
	if (fetch->get->first_ms)
		fetch_get_watch_pace(fetch, true);
	else
		fetch_get_watch(fetch);
	fetch_start_timer(fetch);
	get_free(fg);
}

/* It is not active any more, and nothing of it is pending. */
static void over(struct fetch_get *fg, const struct http_answer *answer)
{
	struct fetch *fetch = fg->fetch;
	struct fetcher *fetcher = fetch->fetcher;
	struct mirror_stats *stats = mirrors_stats(fetcher->mirrors, fg->mirror);
	bool about_zst = is_about_zst(fg, answer->result);

	stats->bytes += answer->body_size;
	fetch_get_note_pace(fg);
	if (answer->result == FETCH_RESULT_OK && !about_zst)
		stats_histogram_add(&stats->latency, now(fetch) - fg->sent_ms);
	if (report(fg, answer->result, answer->first_byte_ms,
		   answer->retry_after_ms))
		fetch_wake_all(fetcher, FETCH_FOR_PROBE);
	loop_defer(fetcher->loop, &fetcher->turn);
	if (about_zst)
		note_zst(fg, answer->result);
	if (fg == fetch->hedge.loser) {
		loop_undefer(fetcher->loop, &fetch->hedge.drop_loser);
		fetch->hedge.loser = NULL;
		get_free(fg);
		return;
	}
	if (fetch->hedge.second && (answer->result != FETCH_RESULT_OK || about_zst)) {
		lost_one(fetch, fg, answer);
		return;
	}
	if (fetch->hedge.second)
		choose(fetch, fg);	/* an object without bytes */
	drop_loser(fetch);
	fetch->get = NULL;
	fetch->hedge.at_ms = FETCH_NEVER;
	if (fg->zst && answer->result == FETCH_RESULT_OK && !about_zst) {
		fetcher->zst_missing[fg->mirror] = 0;
		fetcher->stats.expanded++;
	}
	get_free(fg);
	if (about_zst)
		fetch_get_again(fetch);
	else
		fetch_get_ended(fetch, answer);
}

static void get_done(struct http_get *get, const struct http_answer *answer)
{
	struct fetch_get *fg = container_of(get, struct fetch_get, get);

	if (fg->zst && fg != fg->fetch->hedge.loser && fetch_zst_pending(fg->zst)) {
		fg->ended = true;
		fg->answer = *answer;
		return;
	}
	if (fg->zst && answer->result == FETCH_RESULT_OK &&
	    !fetch_zst_complete(fg->zst))
		fg->corrupt = true;
	over(fg, answer);
}

/* Is a compressed one to be had there? */
static struct fetch_zst *try_zst(struct fetch *fetch, size_t mirror)
{
	struct fetcher *fetcher = fetch->fetcher;
	struct fetch_zst *zst;

	if (fetch->hedge.racing || fetch->ruled_out & FETCH_NOT_ZST || fetch->size == FETCH_SIZE_UNKNOWN ||
	    fetch->size < CFS_ZST_MIN_SIZE || body_size(fetch->body) > 0 ||
	    !mirror_offers(fetcher->offers, mirror, CFS_MIRROR_ZST) ||
	    fetch_zst_new(fetch->body, fetch->size, &fetcher->n_zst, &zst) < 0)
		return NULL;
	return zst;
}

/* Where a GET begins: where the body ends, unless it is in a race for little. */
static uint64_t start_of(const struct fetch *fetch)
{
	uint64_t size = body_size(fetch->body);

	if (fetch->hedge.racing &&
	    (size < FETCH_RANGE_MIN || fetch->ruled_out & FETCH_NOT_BY_RANGE))
		return 0;
	return size;
}

/* Send one to a mirror that mirrors_pick() has named. */
static int start(struct fetch *fetch, size_t mirror, struct fetch_get **ret)
{
	struct fetcher *fetcher = fetch->fetcher;
	const char *base = mirrors_url(fetcher->mirrors, mirror);
	uint64_t offset = start_of(fetch);
	size_t url_len = strlen(base) + URL_EXTRA_LEN;
	char name[CFS_OBJECT_NAME_LEN + 1];
	struct fetch_get *fg = malloc(sizeof(*fg) + url_len);
	int err;

	if (!fg)
		return -ENOMEM;
	*fg = (struct fetch_get){
		.get = {
			.url = fg->url,
			.size = fetch->size,
			.max_size = fetch->max_size,
			.offset = offset,
			.no_cache = fetch->round.no_cache >> mirror & 1,
			.data = get_data,
			.done = get_done,
		},
		.fetch = fetch,
		.mirror = mirror,
		.sent_ms = now(fetch),
		.position = offset,
		.zst = try_zst(fetch, mirror),
	};
	if (fg->zst) {
		/* It is smaller than the object, or of no use. */
		fg->get.size = UINT64_MAX;
		fg->get.max_size = fetch->size;
	}
	cfs_object_name_format(&fetch->digest, name);
	snprintf(fg->url, url_len, "%s/%s/%s", base, fg->zst ? "zst" : "objects",
		 name);
	err = fetcher->transport->start(fetcher->transport_context, &fg->get);
	if (err < 0) {
		get_free(fg);
		return err;
	}
	*ret = fg;
	return 0;
}

int fetch_get_send(struct fetch *fetch, size_t mirror)
{
	int err = start(fetch, mirror, &fetch->get);

	if (err == 0)
		fetch_get_watch(fetch);
	return err;
}

void fetch_get_watch(struct fetch *fetch)
{
	uint64_t ms = mirrors_patience_ms(fetch->fetcher->mirrors,
					  fetch->mirror);

	if (fetch->get && fetch->get->first_ms)
		fetch_get_watch_pace(fetch, true);
	else if (fetch->get && fetch->kind == FETCH_DEMAND && ms != UINT64_MAX)
		fetch->hedge.at_ms = now(fetch) + ms;
}

/* Send a second one.  False: it may not be sent now. */
static bool send_second(struct fetch *fetch, bool sure)
{
	struct fetcher *fetcher = fetch->fetcher;
	size_t mirror;

	if (mirrors_pick_second(fetcher->mirrors, now(fetch), fetch->mirror,
				fetch->round.skip, sure, &mirror) != 0)
		return false;
	if (start(fetch, mirror, &fetch->hedge.second) < 0) {
		mirrors_report(fetcher->mirrors, mirror, now(fetch),
			       FETCH_RESULT_LOCAL, 0, 0);
		return false;
	}
	fetcher->stats.hedges++;
	fetch->hedge.at_ms = FETCH_NEVER;
	return true;
}

static void look_at_pace(struct fetch *fetch)
{
	struct fetch_get *fg = fetch->get;
	bool sure;

	if (fetch_is_worth_a_race(fetch, &sure)) {
		fetch_get_note_pace(fg);
		fetch_get_mark(fg);
		fetch_set_racing(fetch, true);
		if (send_second(fetch, sure))
			return;
		fetch_set_racing(fetch, false);
	} else if (now(fetch) >= fg->mark_ms + FETCH_PACE_WINDOW_MS) {
		fetch_get_note_pace(fg);
		fetch_get_mark(fg);
	}
	fetch_get_watch_pace(fetch, true);
}

void fetch_get_look(struct fetch *fetch)
{
	fetch->hedge.at_ms = FETCH_NEVER;
	if (fetch->hedge.second)
		return;
	if (fetch->get->first_ms) {
		look_at_pace(fetch);
		return;
	}
	fetch_get_watch(fetch);
	if (send_second(fetch, false))
		fetch->get->late = true;
}

void fetch_get_resume(struct fetch *fetch)
{
	struct fetcher *fetcher = fetch->fetcher;
	struct fetch_get *fg = fetch->get;
	struct http_answer answer;
	int err = 0;

	if (fg->zst && fetch_zst_pending(fg->zst))
		err = fetch_zst_continue(fg->zst);
	if (err == HTTP_DATA_PAUSE)
		return;
	if (err == 0 && !fg->ended) {
		fetcher->transport->resume(fetcher->transport_context, &fg->get);
		return;
	}
	fg->corrupt = err == -EBADMSG ||
		      (err == 0 && fg->answer.result == FETCH_RESULT_OK &&
		       !fetch_zst_complete(fg->zst));
	if (!fg->ended)
		fetcher->transport->cancel(fetcher->transport_context, &fg->get);
	answer = fg->answer;	/* which goes with it */
	if (err < 0)
		answer.result = FETCH_RESULT_LOCAL;
	over(fg, &answer);
}

void fetch_get_cancel(struct fetch *fetch)
{
	drop_loser(fetch);
	fetch_set_racing(fetch, false);
	if (fetch->hedge.second)
		cancel(fetch->hedge.second);
	cancel(fetch->get);
	fetch->hedge.second = NULL;
	fetch->get = NULL;
	fetch->hedge.at_ms = FETCH_NEVER;
}
