// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The engine without FUSE: fetches the objects named on standard input, one
 * "DIGEST SIZE" a line, into a store, for benches and profiles.
 *
 *	fetch_list [-w WINDOW] [-t TRANSFERS] [-n] [-v] STORE MIRROR... < LIST
 *
 *	-w	how many are asked for at once (default 256)
 *	-t	GETs in flight
 *	-n	without io_uring
 *	-v	a line for each object
 *
 * Not installed.  The last line on standard output: objects, bytes, seconds, the
 * process's CPU seconds and peak resident KiB.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "cache/base/container_of.h"
#include "cache/store/store.h"
#include "fetcher/http/config.h"
#include "fetcher/engine/fetch.h"
#include "fetcher/loop/loop.h"

struct run {
	struct loop *loop;
	struct fetcher *fetcher;
	size_t n_waiting, n_failed;
	size_t window;
	bool verbose, stopping;
};

struct want {
	struct fetch_waiter waiter;
	struct run *run;
};

static void ask(struct run *run);

static void on_stopped(void *context)
{
	struct run *run = context;

	loop_stop(run->loop);
}

static void on_done(struct fetch_waiter *waiter, int err)
{
	struct want *want = container_of(waiter, struct want, waiter);
	struct run *run = want->run;

	run->n_waiting--;
	if (err < 0)
		run->n_failed++;
	free(want);
	ask(run);
}

static void ask(struct run *run)
{
	char line[128], hex[CFS_DIGEST_HEX_LEN + 1];
	struct cfs_digest digest;
	uint64_t size;

	while (run->n_waiting < run->window && fgets(line, sizeof(line), stdin)) {
		struct want *want;

		if (sscanf(line, "%64s %" SCNu64, hex, &size) != 2 ||
		    cfs_digest_parse(hex, strlen(hex), &digest) < 0) {
			fprintf(stderr, "fetch_list: bad line: %s", line);
			exit(1);
		}
		want = calloc(1, sizeof(*want));
		if (!want)
			exit(1);
		want->waiter.done = on_done;
		want->run = run;
		if (fetch_object(run->fetcher, &digest, size, FETCH_DEMAND,
				 &want->waiter) < 0)
			exit(1);
		run->n_waiting++;
	}
	if (run->n_waiting == 0 && !run->stopping) {
		run->stopping = true;
		fetcher_stop(run->fetcher, on_stopped, run);
	}
}

static void on_event(void *context, const struct fetch_event *event)
{
	struct run *run = context;
	char hex[CFS_DIGEST_HEX_LEN + 1];

	if (!run->verbose && event->result == FETCH_RESULT_OK)
		return;
	cfs_digest_format(event->digest, hex);
	fprintf(stderr,
		"object=%s bytes=%" PRIu64 " ms=%" PRIu64
		" mirror=%s result=%s err=%d final=%d %s\n",
		hex, event->size, event->ms,
		event->mirror ? event->mirror : "-",
		fetch_result_name(event->result), event->err, event->final,
		event->reason ? event->reason : "");
}

static double seconds(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void check(const char *what, int err)
{
	if (err >= 0)
		return;
	fprintf(stderr, "fetch_list: %s: %s\n", what, strerror(-err));
	exit(1);
}

int main(int argc, char **argv)
{
	struct run run = { .window = 256 };
	struct fetch_config config;
	struct cfs_store *store;
	unsigned int flags = 0;
	const struct fetch_stats *stats;
	struct rusage usage;
	double begin;
	int c;

	fetch_config_init(&config);
	while ((c = getopt(argc, argv, "w:t:nv")) != -1) {
		switch (c) {
		case 'w':
			run.window = strtoul(optarg, NULL, 10);
			break;
		case 't':
			config.max_transfers = strtoul(optarg, NULL, 10);
			break;
		case 'n':
			flags |= LOOP_NO_IO_URING;
			break;
		case 'v':
			run.verbose = true;
			break;
		default:
			return 2;
		}
	}
	if (argc - optind < 2) {
		fprintf(stderr, "usage: fetch_list [-w N] [-t N] [-n] [-v] STORE MIRROR...\n");
		return 2;
	}
	check(argv[optind], cfs_store_open(argv[optind], CFS_STORE_CREATE, &store));
	for (c = optind + 1; c < argc; c++)
		check(argv[c], fetch_config_add_mirror(&config, argv[c]));
	check("loop", loop_new(flags, 0, &run.loop));
	check("engine", fetcher_new(run.loop, store, &config, on_event, &run,
				    &run.fetcher));
	begin = seconds(CLOCK_MONOTONIC);
	ask(&run);
	check("loop", loop_run(run.loop));
	stats = fetcher_stats(run.fetcher);
	getrusage(RUSAGE_SELF, &usage);
	printf("objects %" PRIu64 " bytes %" PRIu64 " failed %zu seconds %.3f cpu %.3f rss_kib %ld\n",
	       stats->objects, stats->object_bytes, run.n_failed,
	       seconds(CLOCK_MONOTONIC) - begin,
	       seconds(CLOCK_PROCESS_CPUTIME_ID), usage.ru_maxrss);
	fetcher_free(run.fetcher);
	loop_free(run.loop);
	fetch_config_free(&config);
	cfs_store_close(store);
	return run.n_failed != 0;
}
