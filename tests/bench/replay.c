// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * replay [OPTION]... RECORD STORE URL: play a recorded start against a mirror with the
 * engine and the prefetch of cfs-fetch, without a kernel in between, and print what it
 * took.  What it is for: to choose between policies with figures.
 *
 * RECORD is a file of cfs-fetch --record, STORE an empty store.  READERS take the objects
 * in their order, each its next one when it has the last; nobody thinks in between.
 *
 *	--readers=N	(8)
 *	--no-profile	nothing is fetched ahead
 *	--lack=PERCENT	so much of the record is missing from the profile, spread evenly
 *	--ahead=N	GETs that no reader waits for (48)
 *	--beside=N	the same while a reader waits for another (48)
 *	--bytes=SIZE	limit of what is in such GETs (8M; 0: none)
 *	--transfers=N	GETs in all (64)
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/container_of.h"
#include "cache/store/store.h"
#include "fetcher/allow/list.h"
#include "fetcher/http/config.h"
#include "fetcher/engine/fetch.h"
#include "fetcher/loop/loop.h"
#include "cache/base/options.h"
#include "fetcher/programs/fetch_options.h"
#include "fetcher/prefetch/prefetch.h"
#include "fetcher/profile/record.h"

/* Hits in a row before others get their turn. */
#define MOST_HITS	32

struct replay;

struct reader {
	struct replay *replay;
	struct fetch_waiter waiter;
	struct loop_timer again;
	uint64_t asked_ms;
};

struct replay {
	unsigned int n_readers, lack;
	bool no_profile;
	struct fetch_config config;

	struct record record;
	struct loop *loop;
	struct cfs_store *store;
	struct fetcher *fetcher;
	struct allow_list *allow;
	struct prefetch *prefetch;
	struct reader *readers;
	size_t next, n_done;
	uint32_t *waits_ms;
	size_t n_waits, n_failed;
	uint64_t start_ms, end_ms;
};

static const char usage[] = "Usage: replay [OPTION]... RECORD STORE URL\n";

#define FIELD(f)	offsetof(struct replay, f)

static const struct option_row rows[] = {
	{ "readers", OPTION_COUNT, FIELD(n_readers), false, NULL },
	{ "lack", OPTION_COUNT, FIELD(lack), false, NULL },
	{ "no-profile", OPTION_FLAG, FIELD(no_profile), false, NULL },
	{ "ahead", OPTION_COUNT, FIELD(config.max_ahead), false, NULL },
	{ "beside", OPTION_COUNT, FIELD(config.max_beside_demand), false, NULL },
	{ "bytes", OPTION_BYTES, FIELD(config.max_ahead_bytes), false, NULL },
	{ "transfers", OPTION_COUNT, FIELD(config.max_transfers), false, NULL },
};

static void die(const char *what, int err)
{
	fprintf(stderr, "replay: %s: %s\n", what, strerror(-err));
	exit(1);
}

static void read_on(struct reader *reader);

static void came(struct fetch_waiter *waiter, int err)
{
	struct reader *reader = container_of(waiter, struct reader, waiter);
	struct replay *replay = reader->replay;

	replay->waits_ms[replay->n_waits++] =
		(uint32_t)(loop_now_ms(replay->loop) - reader->asked_ms);
	replay->n_failed += err < 0;
	replay->n_done++;
	read_on(reader);
}

static void take_turn(struct loop_timer *timer)
{
	read_on(container_of(timer, struct reader, again));
}

static void stopped(void *context)
{
	loop_stop(context);
}

/* The next object: at once if it is there, else when it has come. */
static void read_on(struct reader *reader)
{
	struct replay *replay = reader->replay;

	for (int hits = 0; replay->next < replay->record.n; hits++) {
		const struct record_entry *entry =
			&replay->record.entries[replay->next];

		if (hits == MOST_HITS) {
			loop_timer_start(replay->loop, &reader->again, 0);
			return;
		}
		replay->next++;
		if (cfs_store_check(replay->store, &entry->digest,
				    entry->size) == 0) {
			replay->n_done++;
			continue;
		}
		reader->asked_ms = loop_now_ms(replay->loop);
		reader->waiter.done = came;
		if (fetch_object(replay->fetcher, &entry->digest, entry->size,
				 FETCH_DEMAND, &reader->waiter) < 0)
			exit(1);
		return;
	}
	if (replay->n_done == replay->record.n && !replay->end_ms) {
		replay->end_ms = loop_now_ms(replay->loop);
		fetcher_stop(replay->fetcher, stopped, replay->loop);
	}
}

static void fetched(void *context, const struct fetch_event *event)
{
	struct replay *replay = context;

	if (event->final && !event->err)
		prefetch_event(replay->prefetch, event);
}

static void list_objects(struct replay *replay)
{
	for (size_t i = 0; i < replay->record.n; i++) {
		const struct record_entry *entry = &replay->record.entries[i];

		if (allow_list_add(replay->allow, &entry->digest, entry->size,
				   0, NULL) != 0)
			die("listing", -ENOMEM);
	}
}

/* Every so many-th object is missing from the profile. */
static void want_all(struct replay *replay)
{
	for (size_t i = 0; i < replay->record.n; i++) {
		if ((i + 1) * replay->lack / 100 != i * replay->lack / 100)
			continue;
		if (prefetch_want(replay->prefetch,
				  &replay->record.entries[i].digest, 1) < 0)
			die("profile", -ENOMEM);
	}
}

static int compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void print(struct replay *replay)
{
	const struct fetch_stats *stats = fetcher_stats(replay->fetcher);
	size_t n = replay->n_waits;

	qsort(replay->waits_ms, n, sizeof(*replay->waits_ms), compare);
	printf("ms=%" PRIu64 " objects=%zu bytes=%" PRIu64 " waits=%zu p50_ms=%u p99_ms=%u missed=%" PRIu64 " failed=%zu\n",
	       replay->end_ms - replay->start_ms, replay->record.n,
	       stats->object_bytes, n, n ? replay->waits_ms[n / 2] : 0,
	       n ? replay->waits_ms[n * 99 / 100] : 0,
	       prefetch_stats(replay->prefetch)->missed, replay->n_failed);
}

static void set_up(struct replay *replay, char **paths)
{
	int fd = open(paths[0], O_RDONLY | O_CLOEXEC);
	int err = fd < 0 ? -errno : record_read(&replay->record, fd);

	if (err)
		die(paths[0], err);
	err = cfs_store_open(paths[1], CFS_STORE_CREATE, &replay->store);
	if (err)
		die(paths[1], err);
	err = fetch_config_add_mirror(&replay->config, paths[2]);
	if (err)
		die(paths[2], err);
	err = loop_new(0, 0, &replay->loop);
	if (!err)
		err = allow_list_new(&replay->allow);
	if (!err)
		err = fetcher_new(replay->loop, replay->store, &replay->config,
				  fetched, replay, &replay->fetcher);
	if (!err)
		err = prefetch_new(replay->loop, replay->fetcher, replay->allow,
				   NULL, NULL, &replay->prefetch);
	replay->readers = calloc(replay->n_readers, sizeof(*replay->readers));
	replay->waits_ms = calloc(replay->record.n + 1,
				  sizeof(*replay->waits_ms));
	if (err || !replay->readers || !replay->waits_ms)
		die("set-up", err ? err : -ENOMEM);
}

static void run(struct replay *replay)
{
	list_objects(replay);
	replay->start_ms = loop_now_ms(replay->loop);
	if (!replay->no_profile)
		want_all(replay);
	for (unsigned int i = 0; i < replay->n_readers; i++) {
		struct reader *reader = &replay->readers[i];

		reader->replay = replay;
		reader->again.expired = take_turn;
		loop_timer_start(replay->loop, &reader->again, 0);
	}
	loop_run(replay->loop);
	print(replay);
}

int main(int argc, char **argv)
{
	struct replay replay = { .n_readers = 8 };
	const struct option_parser parser = {
		.program = "replay",
		.usage = usage,
		.tables = { rows },
		.lengths = { sizeof(rows) / sizeof(rows[0]) },
		.base = { &replay },
	};
	int rest, err;

	fetch_config_init(&replay.config);
	fetch_config_limit_ahead(&replay.config);
	err = option_parse(&parser, argc, argv, &rest);
	if (err)
		return err == OPTION_ANSWERED ? 0 : 2;
	if (argc - rest != 3) {
		fputs(usage, stderr);
		return 2;
	}
	set_up(&replay, argv + rest);
	run(&replay);
	prefetch_free(replay.prefetch);
	fetcher_free(replay.fetcher);
	loop_free(replay.loop);
	allow_list_free(replay.allow);
	cfs_store_close(replay.store);
	record_free(&replay.record);
	free(replay.readers);
	free(replay.waits_ms);
	fetch_config_free(&replay.config);
	return replay.n_failed > 0;
}
