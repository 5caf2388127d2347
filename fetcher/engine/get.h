/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One GET of a fetch, for hedge.c, which sends and ends it, and pace.c, which sees how
 * it comes on.
 */
#ifndef FETCHER_ENGINE_GET_H
#define FETCHER_ENGINE_GET_H

#include "fetcher/engine/internal.h"

/* Less than this is quicker fetched again than asked for by range. */
#define FETCH_RANGE_MIN		((uint64_t)1 << 20)

/* What came in so long is what is to be expected of the rest. */
#define FETCH_PACE_WINDOW_MS	1000

struct fetch_get {
	struct http_get get;
	struct fetch *fetch;
	size_t mirror;
	uint64_t sent_ms;
	uint64_t first_ms;	/* its first byte came; 0: none has */
	uint64_t mark_ms, mark_size, mark_bytes;	/* a window ago */
	uint64_t n_bytes;	/* as they came */
	uint64_t position;	/* not compressed: of its next byte in the object */
	bool paused;		/* since the mark: we were slow, not the mirror */
	bool late;		/* a second one was sent */
	struct fetch_zst *zst;	/* what comes is compressed; or NULL */
	bool corrupt;		/* and not by zstd, or not this object */
	bool ended;		/* with this answer, while bytes are pending */
	struct http_answer answer;
	char url[];
};

/** fetch_get_mark() - the pace is that of what comes from now on */
void fetch_get_mark(struct fetch_get *fg);

/** fetch_get_note_pace() - what has come since the mark tells how quick its mirror is */
void fetch_get_note_pace(struct fetch_get *fg);

/**
 * fetch_get_watch_pace() - bytes come: set the time for a look at their pace
 * @anew: also if one is set
 */
void fetch_get_watch_pace(struct fetch *fetch, bool anew);

/** fetch_set_racing() - a second GET is to catch up with the first, or is not */
void fetch_set_racing(struct fetch *fetch, bool racing);

/**
 * fetch_is_worth_a_race() - would another mirror have the object much sooner?
 * @ret_sure: that was measured a moment ago
 */
bool fetch_is_worth_a_race(const struct fetch *fetch, bool *ret_sure);

#endif /* FETCHER_ENGINE_GET_H */
