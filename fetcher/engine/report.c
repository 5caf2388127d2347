// SPDX-License-Identifier: GPL-2.0-or-later
/* What is told of a fetch: events for the log, and what is counted. */
#include "fetcher/engine/internal.h"
#include "fetcher/mirror/mirrors.h"

/* After a lack of descriptors: so many objects published without another one. */
#define GROW_AFTER	16

static uint64_t now(const struct fetcher *fetcher)
{
	return loop_now_ms(fetcher->loop);
}

struct fetch_event fetch_event_of(const struct fetch *fetch,
				  enum fetch_result result, int err,
				  uint64_t size, const char *reason, bool final)
{
	const struct fetcher *fetcher = fetch->fetcher;

	return (struct fetch_event){
		.digest = &fetch->digest,
		.size = size,
		.ms = now(fetcher) - fetch->started_ms,
		.mirror = fetch->n_tries ? mirrors_url(fetcher->mirrors,
						       fetch->mirror) : NULL,
		.result = result,
		.err = err,
		.reason = reason,
		.final = final,
		.kind = fetch->first_kind,
		.sequence = fetch->sequence,
		.mirror_number = fetch->mirror,
		.begun_ms = fetch->started_ms,
		.demand_ms = fetch->demand_ms,
		.sent_ms = fetch->sent_ms,
		.got_ms = fetch->got_ms,
	};
}

void fetcher_log(struct fetcher *fetcher, const struct fetch_event *event)
{
	if (fetcher->log)
		fetcher->log(fetcher->log_context, event);
}

void fetch_log(struct fetch *fetch, enum fetch_result result, int err,
	       uint64_t size, const char *reason, bool final)
{
	struct fetch_event event = fetch_event_of(fetch, result, err, size,
						  reason, final);

	fetcher_log(fetch->fetcher, &event);
}

void fetcher_note(struct fetcher *fetcher, size_t mirror,
		  const struct fetch_event *event)
{
	uint64_t *noted_ms = &fetcher->noted_ms[mirror][event->result];

	if (*noted_ms && now(fetcher) < *noted_ms + FETCH_NOTE_MS)
		return;
	*noted_ms = now(fetcher);
	fetcher_log(fetcher, event);
}

void fetcher_count(struct fetcher *fetcher, const struct fetch_event *event)
{
	/* Is there room for one more GET at once again? */
	if (fetcher->slots < fetcher->config->max_transfers &&
	    ++fetcher->n_since_lack % GROW_AFTER == 0)
		fetcher->slots++;
	fetcher->stats.objects++;
	fetcher->stats.object_bytes += event->size;
	fetch_sync_add(&fetcher->sync, event->size);
	fetcher_log(fetcher, event);
}

void fetch_note_failure(struct fetch *fetch, enum fetch_result result,
			uint64_t size, const char *reason)
{
	struct fetch_event event = fetch_event_of(fetch, result, 0, size,
						  reason, false);

	fetcher_note(fetch->fetcher, fetch->mirror, &event);
}
