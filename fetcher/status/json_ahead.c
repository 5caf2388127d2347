// SPDX-License-Identifier: GPL-2.0-or-later
/* Of the status: what is done ahead of readers, and what is under way. */
#include <stdlib.h>
#include <string.h>

#include "fetcher/prefetch/ahead.h"
#include "fetcher/engine/fetch.h"
#include "fetcher/status/put.h"

#define MOST_IN_FLIGHT	64

static const char *complete_name(enum complete_state state)
{
	switch (state) {
	case COMPLETE_LAZY:
		return "lazy";
	case COMPLETE_RUNNING:
		return "running";
	case COMPLETE_PAUSED:
		return "paused";
	case COMPLETE_DONE:
		return "complete";
	}
	return "?";
}

static json_t *describe_sources(const struct ahead *ahead)
{
	static const struct cfs_digest none;
	json_t *array = json_array();
	size_t n;
	const struct ahead_source *sources = ahead_sources(ahead, &n);

	for (size_t i = 0; i < n; i++) {
		const struct ahead_source *source = &sources[i];
		json_t *object = json_object();

		if (cfs_digest_equal(&source->image, &none))
			put_text(object, "image", NULL);
		else
			put_digest(object, "image", &source->image);
		put_text(object, "name", *source->name ? source->name : NULL);
		put_text(object, "from", *source->where ? source->where : NULL);
		put(object, "digests", source->digests);
		put(object, "bad_lines", source->bad_lines);
		json_array_append_new(array, object);
	}
	return array;
}

json_t *status_describe_ahead(const struct ahead *ahead)
{
	json_t *object = json_object(), *prefetch = json_object();
	const struct prefetch_stats *stats;

	json_object_set_new(object, "prefetch", prefetch);
	if (!ahead)
		return object;
	stats = ahead_prefetch(ahead);
	put_text(prefetch, "state", !ahead_prefetch_is_on(ahead) ? "off" :
				    ahead_prefetch_is_idle(ahead) ? "done" :
								    "running");
	put(prefetch, "listed", stats->listed);
	put(prefetch, "listed_bytes", stats->listed_bytes);
	put(prefetch, "strange", stats->strange);
	put(prefetch, "repeated", stats->repeated);
	put(prefetch, "present", stats->present);
	put(prefetch, "fetched", stats->fetched);
	put(prefetch, "fetched_bytes", stats->fetched_bytes);
	put(prefetch, "late", stats->late);
	put(prefetch, "unasked", stats->fetched - stats->late);
	put(prefetch, "failed", stats->failed);
	put(prefetch, "missed", stats->missed);
	put(prefetch, "missed_bytes", stats->missed_bytes);
	json_object_set_new(prefetch, "profiles", describe_sources(ahead));
	put_text(object, "complete", complete_name(ahead_complete(ahead)));
	put(object, "recorded", ahead_recorded(ahead));
	if (ahead_survey_age_ms(ahead) == UINT64_MAX)
		json_object_set_new(object, "counted_ms_ago", json_null());
	else
		put(object, "counted_ms_ago", ahead_survey_age_ms(ahead));
	return object;
}

struct flight {
	struct fetch_view views[MOST_IN_FLIGHT];
	size_t n;
};

/* Keep the oldest ones, sorted. */
static int add_to_flight(void *context, const struct fetch_view *view)
{
	struct flight *flight = context;
	size_t at = flight->n;

	while (at > 0 && flight->views[at - 1].begun_ms > view->begun_ms)
		at--;
	if (at == MOST_IN_FLIGHT)
		return 0;
	if (flight->n < MOST_IN_FLIGHT)
		flight->n++;
	memmove(&flight->views[at + 1], &flight->views[at],
		(flight->n - 1 - at) * sizeof(flight->views[0]));
	flight->views[at] = *view;
	return 0;
}

json_t *status_describe_flight(struct fetcher *fetcher, uint64_t now_ms)
{
	struct flight flight = { .n = 0 };
	json_t *array = json_array();

	fetcher_each(fetcher, add_to_flight, &flight);
	for (size_t i = 0; i < flight.n; i++) {
		const struct fetch_view *view = &flight.views[i];
		json_t *object = json_object();

		put_digest(object, "object", view->digest);
		put_text(object, "state", view->state);
		put_text(object, "kind", fetch_kind_name(view->kind));
		put(object, "age_ms", now_ms - view->begun_ms);
		put(object, "waiters", view->n_waiters);
		put(object, "received", view->received);
		if (view->size == FETCH_SIZE_UNKNOWN)
			json_object_set_new(object, "bytes", json_null());
		else
			put(object, "bytes", view->size);
		put_text(object, "mirror", view->mirror);
		json_array_append_new(array, object);
	}
	return array;
}
