// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/prefetch/ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/container_of.h"
#include "cache/base/log.h"
#include "fetcher/allow/scan.h"
#include "fetcher/engine/fetch.h"
#include "fetcher/loop/loop.h"
#include "fetcher/pack/pack.h"
#include "fetcher/profile/find.h"
#include "fetcher/profile/recorder.h"
#include "fetcher/prefetch/presence.h"

/* The first survey waits for the first readers to be served. */
#define FIRST_SURVEY_MS	1000

/* Counts older than this are made anew when somebody looks. */
#define SURVEY_OLD_MS	10000

struct search {
	struct ahead *ahead;
	LIST_ENTRY(search) entry;
	struct pack_fetch *pack;	/* first; or NULL */
	struct profile_search *search;	/* then; or NULL */
	struct cfs_digest image;
	const char *name;		/* argv's, a constant, or NULL */
	uint32_t images;
};

struct ahead {
	struct loop *loop;
	struct cfs_store *store;
	struct allow_scan *scan;
	struct fetcher *fetcher;
	const struct ahead_options *options;

	struct recorder *recorder;
	struct prefetch *prefetch;
	struct survey *survey;
	struct complete *complete;	/* NULL: not asked for */
	LIST_HEAD(, search) searches;
	size_t n_images;		/* whose profiles were searched for */
	struct loop_timer first_survey;
	bool started, stopped;

	struct ahead_source sources[AHEAD_SOURCES];
	size_t n_sources;
};

/* The rest, once nothing better is left to do. */
static void complete_if_idle(struct ahead *ahead)
{
	if (ahead->complete && ahead->started && !ahead->stopped &&
	    LIST_EMPTY(&ahead->searches) && prefetch_is_idle(ahead->prefetch) &&
	    survey_age_ms(ahead->survey) != UINT64_MAX)
		complete_go(ahead->complete);
}

static void prefetch_idle(void *context)
{
	complete_if_idle(context);
}

static void survey_done(void *context)
{
	complete_if_idle(context);
}

static void survey_due(struct loop_timer *timer)
{
	survey_start(container_of(timer, struct ahead, first_survey)->survey);
}

static void note_source(struct ahead *ahead, const struct cfs_digest *image,
			const char *name, const char *where,
			const struct profile_reader *reader)
{
	struct ahead_source *source;
	char hex[CFS_DIGEST_HEX_LEN + 1];

	if (ahead->n_sources == AHEAD_SOURCES)
		memmove(ahead->sources, ahead->sources + 1,
			sizeof(*source) * --ahead->n_sources);
	source = &ahead->sources[ahead->n_sources++];
	*source = (struct ahead_source){
		.image = *image,
		.digests = reader->n_digests,
		.bad_lines = reader->n_bad,
	};
	snprintf(source->name, sizeof(source->name), "%s", name ? name : "");
	snprintf(source->where, sizeof(source->where), "%s",
		 where ? where : "");
	if (!where)
		return;
	cfs_digest_format(image, hex);
	log_line(LOG_INFO,
		 "profile image=%s name=%s from=%s digests=%llu bad_lines=%llu",
		 hex, name ? name : "-", where,
		 (unsigned long long)reader->n_digests,
		 (unsigned long long)reader->n_bad);
}

static int want(void *context, const struct cfs_digest *digest)
{
	struct search *search = context;
	int err = prefetch_want(search->ahead->prefetch, digest,
				search->images);

	return err < 0 ? err : 0;
}

static void search_free(struct search *search)
{
	LIST_REMOVE(search, entry);
	pack_fetch_free(search->pack);
	profile_find_free(search->search);
	free(search);
}

static void search_over(void *context, const char *where,
			const struct profile_reader *reader)
{
	struct search *search = context;
	struct ahead *ahead = search->ahead;

	note_source(ahead, &search->image, search->name, where, reader);
	search_free(search);
	complete_if_idle(ahead);
}

static int find_profile(struct search *search, bool local_only)
{
	struct ahead *ahead = search->ahead;
	const struct profile_wish wish = {
		.image = search->image,
		.name = search->name,
		.local_only = local_only,
		.digest = want,
		.over = search_over,
		.context = search,
	};

	return profile_find(ahead->loop, ahead->store, ahead->fetcher, &wish,
			    &search->search);
}

/* The profile lists what the pack has: it is for what the pack did not bring. */
static void pack_over(void *context, enum pack_outcome outcome,
		      const struct pack_stats *stats)
{
	struct search *search = context;
	struct ahead *ahead = search->ahead;
	char hex[CFS_DIGEST_HEX_LEN + 1];

	cfs_digest_format(&search->image, hex);
	if (outcome != PACK_NONE)
		log_line(outcome == PACK_COMPLETE ? LOG_INFO : LOG_WARNING,
			 "pack image=%s name=%s from=%s result=%s objects=%llu delivered=%llu delivered_bytes=%llu received_bytes=%llu",
			 hex, search->name ? search->name : "-",
			 stats->mirror ? stats->mirror : "-",
			 outcome == PACK_COMPLETE ? "ok" : "failed",
			 (unsigned long long)stats->objects,
			 (unsigned long long)stats->delivered,
			 (unsigned long long)stats->delivered_bytes,
			 (unsigned long long)stats->received);
	pack_fetch_free(take_ptr(search->pack));
	if (outcome != PACK_COMPLETE && find_profile(search, false) == 0)
		return;
	search_free(search);
	complete_if_idle(ahead);
}

static const struct pack_calls pack_calls = { .over = pack_over };

static int find(struct ahead *ahead, const struct allow_image *image,
		const char *name, bool local_only)
{
	struct search *search = calloc(1, sizeof(*search));
	int err;

	if (!search)
		return -ENOMEM;
	search->ahead = ahead;
	search->image = image->digest;
	search->name = name;
	search->images = (uint32_t)1 << image->slot;
	LIST_INSERT_HEAD(&ahead->searches, search, entry);
	if (!local_only &&
	    pack_fetch_start(ahead->loop, ahead->store, ahead->fetcher,
			     &image->digest, name, &pack_calls, search,
			     &search->pack) == 0)
		return 0;
	err = find_profile(search, local_only);
	if (err)
		search_free(search);
	return err;
}

static int find_all(struct ahead *ahead, const struct allow_image *image)
{
	const struct ahead_options *options = ahead->options;
	int err = 0;

	if (!options->n_profiles) {
		err = find(ahead, image, PROFILE_RECORDED, true);
		return err ? err : find(ahead, image, NULL, false);
	}
	for (size_t i = 0; !err && i < options->n_profiles; i++)
		if (!strchr(options->profiles[i], '/'))
			err = find(ahead, image, options->profiles[i], false);
	return err;
}

/* Search for the profiles of images that were not there the last time. */
static void look_at_images(struct ahead *ahead)
{
	size_t n;
	const struct allow_image *images = allow_scan_images(ahead->scan, &n);

	if (ahead->stopped || ahead->options->no_prefetch)
		return;
	while (ahead->n_images < n) {
		const struct allow_image *image = &images[ahead->n_images++];
		int err = image->err ? 0 : find_all(ahead, image);

		if (err)
			log_line(LOG_WARNING, "profile error=\"%s\"",
				 strerror(-err));
	}
}

static int read_files(struct ahead *ahead, const char **ret_what)
{
	struct search all = { .ahead = ahead, .images = UINT32_MAX };
	const struct ahead_options *options = ahead->options;
	int err = 0;

	for (size_t i = 0; !err && i < options->n_profiles; i++) {
		const char *path = options->profiles[i];
		struct profile_reader reader = {
			.digest = want,
			.context = &all,
		};
		CLEANUP_CLOSE int fd = -1;

		if (!strchr(path, '/'))
			continue;
		*ret_what = path;
		fd = open(path, O_RDONLY | O_CLOEXEC);
		err = fd < 0 ? -errno : profile_read_file(&reader, fd);
		if (!err)
			note_source(ahead, &all.image, path, path, &reader);
	}
	return err;
}

int ahead_new(struct loop *loop, struct cfs_store *store,
	      struct allow_scan *scan, struct fetcher *fetcher,
	      const struct ahead_options *options, struct ahead **ret,
	      const char **ret_what)
{
	struct ahead *ahead = calloc(1, sizeof(*ahead));
	struct allow_list *allow = allow_scan_list(scan);
	int err;

	*ret_what = options->record ? options->record : "record";
	if (!ahead)
		return -ENOMEM;
	ahead->loop = loop;
	ahead->store = store;
	ahead->scan = scan;
	ahead->fetcher = fetcher;
	ahead->options = options;
	ahead->first_survey.expired = survey_due;
	err = recorder_new(loop, store, scan, fetcher, options->record, true,
			   &ahead->recorder);
	if (!err)
		err = prefetch_new(loop, fetcher, allow, prefetch_idle, ahead,
				   &ahead->prefetch);
	if (!err)
		err = survey_new(loop, store, allow, survey_done, ahead,
				 &ahead->survey);
	if (!err && options->complete)
		err = complete_new(loop, fetcher, allow, options->complete_rate,
				   &ahead->complete);
	if (!err && !options->no_prefetch)
		err = read_files(ahead, ret_what);
	if (err) {
		ahead_free(ahead);
		return err;
	}
	*ret = ahead;
	return 0;
}

void ahead_start(struct ahead *ahead)
{
	ahead->started = true;
	loop_timer_start(ahead->loop, &ahead->first_survey, FIRST_SURVEY_MS);
	look_at_images(ahead);
}

void ahead_stop(struct ahead *ahead)
{
	struct search *search;

	ahead->stopped = true;
	loop_timer_stop(ahead->loop, &ahead->first_survey);
	while ((search = LIST_FIRST(&ahead->searches)))
		search_free(search);
}

void ahead_free(struct ahead *ahead)
{
	if (!ahead)
		return;
	ahead_stop(ahead);
	recorder_free(ahead->recorder);
	prefetch_free(ahead->prefetch);
	complete_free(ahead->complete);
	survey_free(ahead->survey);
	free(ahead);
}

void ahead_event(struct ahead *ahead, const struct fetch_event *event)
{
	struct allow_list *list = allow_scan_list(ahead->scan);
	struct allow_entry *entry = allow_list_find(list, event->digest);

	if (entry)
		allow_list_fetched(list, entry);
	recorder_event(ahead->recorder, event);
	prefetch_event(ahead->prefetch, event);
	/* Misses are what makes the scan see new images. */
	look_at_images(ahead);
}

void ahead_images_read(struct ahead *ahead)
{
	ahead->n_images = 0;
	look_at_images(ahead);
	survey_start(ahead->survey);
}

void ahead_objects_removed(struct ahead *ahead)
{
	survey_start(ahead->survey);
}

void ahead_look(struct ahead *ahead)
{
	if (survey_age_ms(ahead->survey) > SURVEY_OLD_MS)
		survey_start(ahead->survey);
}

const struct prefetch_stats *ahead_prefetch(const struct ahead *ahead)
{
	return prefetch_stats(ahead->prefetch);
}

bool ahead_prefetch_is_on(const struct ahead *ahead)
{
	return !ahead->options->no_prefetch;
}

bool ahead_prefetch_is_idle(const struct ahead *ahead)
{
	return LIST_EMPTY(&ahead->searches) && prefetch_is_idle(ahead->prefetch);
}

enum complete_state ahead_complete(const struct ahead *ahead)
{
	return ahead->complete ? complete_state(ahead->complete) :
				 COMPLETE_LAZY;
}

size_t ahead_recorded(const struct ahead *ahead)
{
	return recorder_n(ahead->recorder);
}

uint64_t ahead_survey_age_ms(const struct ahead *ahead)
{
	return survey_age_ms(ahead->survey);
}

const struct ahead_source *ahead_sources(const struct ahead *ahead,
					 size_t *ret_n)
{
	*ret_n = ahead->n_sources;
	return ahead->sources;
}
