// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What can be asked of a fetch, or done to it, whatever its state and the way in which
 * its bytes come.  Each function has an answer for every method.
 */
#include <stdlib.h>

#include "fetcher/engine/internal.h"
#include "fetcher/ingest/body.h"

uint64_t fetch_received(const struct fetch *fetch)
{
	switch (fetch->method) {
	case FETCH_IN_PARTS:
		return partial_received(&fetch->parts);
	case FETCH_IN_STREAM:
		return body_size(fetch->body);
	case FETCH_NO_METHOD:
		break;
	}
	if (fetch->state == FETCH_SEALING)
		return fetch->received;
	return fetch->body ? body_size(fetch->body) : 0;
}

bool fetch_makes_progress(struct fetch *fetch)
{
	switch (fetch->method) {
	case FETCH_IN_PARTS:
		return partial_progressed(&fetch->parts);
	case FETCH_IN_STREAM:
		return body_size(fetch->body) > fetch->offset;
	case FETCH_NO_METHOD:
		break;
	}
	return fetch->state == FETCH_SEALING;
}

bool fetch_was_heard(const struct fetch *fetch)
{
	return fetch->heard || (fetch->method == FETCH_IN_PARTS &&
				partial_heard(&fetch->parts));
}

void fetch_hurry(struct fetch *fetch)
{
	switch (fetch->method) {
	case FETCH_IN_PARTS:
		/* Its GETs are the partial object's, and there are several. */
		return;
	case FETCH_IN_STREAM:
		if (!fetch->hedge.second)
			fetch_get_watch(fetch);
		break;
	case FETCH_NO_METHOD:
		break;
	}
	if (fetch->body)
		body_set_first(fetch->body);
}

void fetch_end_work(struct fetch *fetch)
{
	switch (fetch->method) {
	case FETCH_IN_PARTS:
		partial_abandon(&fetch->parts);
		return;
	case FETCH_IN_STREAM:
		fetch_get_cancel(fetch);
		break;
	case FETCH_NO_METHOD:
		fetch_dequeue(fetch);
		break;
	}
	fetch_drop_body(fetch);
}

static bool has_hedge(const struct fetch *fetch)
{
	const struct fetch_hedge *hedge = &fetch->hedge;

	return hedge->second || hedge->loser || hedge->racing ||
	       hedge->at_ms != FETCH_NEVER;
}

bool fetch_is_sound(const struct fetch *fetch)
{
	bool has_parts = fetch->parts.partial;

	switch (fetch->method) {
	case FETCH_IN_PARTS:
		return fetch->state == FETCH_TRANSFER && has_parts &&
		       !fetch->body && !fetch->get && !has_hedge(fetch);
	case FETCH_IN_STREAM:
		return fetch->state == FETCH_TRANSFER && !has_parts &&
		       fetch->body && fetch->get;
	case FETCH_NO_METHOD:
		break;
	}
	if (has_parts || fetch->get || has_hedge(fetch))
		return false;
	switch (fetch->state) {
	case FETCH_QUEUED:
		return fetch->wake_ms == FETCH_NEVER;
	case FETCH_BACKOFF:
		if (fetch->waits_for == FETCH_FOR_ROOM)
			return !fetch->body;
		return fetch->waits_for == FETCH_FOR_PROBE ||
		       fetch->wake_ms != FETCH_NEVER;
	case FETCH_SEALING:
		return fetch->body && fetch->wake_ms == FETCH_NEVER;
	case FETCH_TRANSFER:
	case FETCH_DONE:
	case FETCH_FAILED:
		break;
	}
	return false;
}

void fetcher_check(struct fetcher *fetcher)
{
	const struct fetch *fetch;
	size_t n_kept = 0;

	for (size_t i = 0; i < FETCH_N_BUCKETS; i++)
		LIST_FOREACH(fetch, &fetcher->buckets[i], bucket) {
			if (!fetch_is_sound(fetch))
				abort();
			n_kept += fetch->body &&
				  (fetch->state == FETCH_QUEUED ||
				   fetch->state == FETCH_BACKOFF);
		}
	if (n_kept != fetcher->n_kept)
		abort();
}
