// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/profile/recorder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/cleanup.h"
#include "cache/base/container_of.h"
#include "cache/base/log.h"
#include "fetcher/allow/scan.h"
#include "fetcher/engine/fetch.h"
#include "fetcher/loop/loop.h"
#include "fetcher/mirror/mirrors.h"
#include "fetcher/profile/output_file.h"
#include "fetcher/profile/merge.h"
#include "fetcher/profile/record.h"

#define QUIET_MS	2000
#define LATEST_MS	10000

/* Bytes of a digest in a profile. */
#define PROFILE_LINE_LEN	(CFS_DIGEST_HEX_LEN + 1)

struct recorder {
	struct loop *loop;
	struct cfs_store *store;
	struct allow_scan *scan;
	struct fetcher *fetcher;
	char *file;			/* absolute; or NULL */
	bool profiles;
	struct record record;
	size_t n_written;
	uint64_t unwritten_ms;		/* since when there is something to write */
	struct loop_timer timer;
	struct log_limit limit;
};

static void complain(struct recorder *recorder, const char *what, int err)
{
	if (log_limit_pass(&recorder->limit, loop_now_ms(recorder->loop)))
		log_line(LOG_WARNING, "record file=%s error=\"%s\"", what,
			 strerror(-err));
}

static int format_record(const struct recorder *recorder, char **ret,
			 size_t *ret_len)
{
	struct mirrors *mirrors = fetcher_mirrors(recorder->fetcher);
	const char *urls[32];
	size_t n = mirrors_count(mirrors);
	FILE *file = open_memstream(ret, ret_len);

	if (!file)
		return -ENOMEM;
	if (n > sizeof(urls) / sizeof(*urls))
		n = sizeof(urls) / sizeof(*urls);
	for (size_t i = 0; i < n; i++)
		urls[i] = mirrors_url(mirrors, i);
	record_write(&recorder->record, file, urls, n);
	return fclose(file) == 0 ? 0 : -ENOMEM;
}

static int write_file(struct recorder *recorder)
{
	CLEANUP_FREE char *text = NULL;
	size_t len;
	int err = format_record(recorder, &text, &len);

	return err ? err : output_file_write(recorder->file, false, text, len);
}

/* Of the record, what an image names and somebody wanted, in order. */
static size_t choose(const struct recorder *recorder, int slot,
		     struct cfs_digest *ret)
{
	struct allow_list *list = allow_scan_list(recorder->scan);
	size_t n = 0;

	for (size_t i = 0; i < recorder->record.n; i++) {
		const struct record_entry *seen = &recorder->record.entries[i];
		const struct allow_entry *entry = allow_list_find(list,
								  &seen->digest);

		if (entry && entry->images & 1u << slot &&
		    !(seen->kind == FETCH_BACKGROUND &&
		      seen->asked_ms == RECORD_NEVER))
			ret[n++] = seen->digest;
	}
	return n;
}

static int write_profiles(struct recorder *recorder)
{
	CLEANUP_FREE struct cfs_digest *digests = calloc(recorder->record.n,
							 sizeof(*digests));
	size_t n_images;
	const struct allow_image *images = allow_scan_images(recorder->scan,
							     &n_images);
	int err = digests ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < n_images; i++) {
		size_t n;

		/* Those that share a slot can't be told apart. */
		if (images[i].err || images[i].slot == ALLOW_IMAGES_MAX - 1)
			continue;
		n = choose(recorder, images[i].slot, digests);
		if (n && !fetcher_room_for_file(recorder->fetcher,
						n * PROFILE_LINE_LEN))
			err = -ENOSPC;
		else if (n)
			err = profile_merge(recorder->store, &images[i].digest,
					    digests, n);
	}
	return err;
}

static void write_all(struct recorder *recorder)
{
	int err;

	loop_timer_stop(recorder->loop, &recorder->timer);
	if (recorder->record.n == recorder->n_written)
		return;
	recorder->n_written = recorder->record.n;
	record_sort(&recorder->record);
	if (recorder->file) {
		err = write_file(recorder);
		if (err)
			complain(recorder, recorder->file, err);
	}
	if (recorder->profiles) {
		err = write_profiles(recorder);
		if (err)
			complain(recorder, "STORE/profiles", err);
	}
}

static void timer_expired(struct loop_timer *timer)
{
	write_all(container_of(timer, struct recorder, timer));
}

int recorder_new(struct loop *loop, struct cfs_store *store,
		 struct allow_scan *scan, struct fetcher *fetcher,
		 const char *file, bool profiles, struct recorder **ret)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));
	int err = 0;

	if (!recorder)
		return -ENOMEM;
	recorder->loop = loop;
	recorder->store = store;
	recorder->scan = scan;
	recorder->fetcher = fetcher;
	recorder->profiles = profiles;
	recorder->timer.expired = timer_expired;
	record_init(&recorder->record, loop_now_ms(loop));
	if (file) {
		recorder->file = output_file_path(file);
		err = recorder->file ? write_file(recorder) : -ENOMEM;
	}
	if (err) {
		free(recorder->file);
		free(recorder);
		return err;
	}
	*ret = recorder;
	return 0;
}

void recorder_free(struct recorder *recorder)
{
	if (!recorder)
		return;
	write_all(recorder);
	record_free(&recorder->record);
	free(recorder->file);
	free(recorder);
}

void recorder_event(struct recorder *recorder, const struct fetch_event *event)
{
	uint64_t now_ms = loop_now_ms(recorder->loop);
	uint64_t wait_ms = QUIET_MS, waited_ms;

	if (now_ms - recorder->record.start_ms > RECORDER_MS)
		return;
	record_add(&recorder->record, event, now_ms);
	if (!loop_timer_running(&recorder->timer))
		recorder->unwritten_ms = now_ms;
	waited_ms = now_ms - recorder->unwritten_ms;
	if (waited_ms + wait_ms > LATEST_MS)
		wait_ms = waited_ms < LATEST_MS ? LATEST_MS - waited_ms : 0;
	loop_timer_start(recorder->loop, &recorder->timer, wait_ms);
}

size_t recorder_n(const struct recorder *recorder)
{
	return recorder->record.n;
}
