// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cfs-seed: fill a store ahead of use.
 *
 *	resolve	each argument: fetch or import the image, pin it
 *	settle	what of all that is needed is here already
 *	from	take what local trees have
 *	packs	bring in what packs of the images have
 *	fetch	download the rest
 *	report
 *
 * gc is kept out until the images are pinned; then their objects are safe by
 * themselves.  Each object appears whole or not at all, so a run that is
 * interrupted has done what it has done, and the next one goes on from there.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>

#include "cache/base/cleanup.h"
#include "cache/base/descriptor_limit.h"
#include "cache/base/errmsg.h"
#include "cache/base/failpoint.h"
#include "cache/base/interrupt.h"
#include "cache/base/process.h"
#include "cache/store/guard.h"
#include "cache/store/unmake.h"
#include "cache/base/progress.h"
#include "cache/mirror/profile.h"
#include "cache/store/publish.h"
#include "cache/store/explain.h"
#include "cache/store/store.h"
#include "cache/store/lock.h"
#include "fetcher/http/descriptors.h"
#include "fetcher/loop/loop.h"
#include "fetcher/seed/download.h"
#include "fetcher/seed/local.h"
#include "fetcher/seed/options.h"
#include "fetcher/seed/pack.h"
#include "fetcher/seed/report.h"
#include "fetcher/seed/argument.h"

/* Objects asked of the engine at once, for each GET it may have in flight. */
#define WINDOW_FACTOR	8

/* Objects that could not be had and are shown one by one. */
#define FAILURES_SHOWN	10

/* A mirror that has not said by then what it has besides objects is asked for those:
 * packs save time, and nothing else. */
#define OFFERS_MS	10000

struct seed {
	struct seed_options options;
	struct cfs_store *store;
	struct loop *loop;
	struct fetcher *fetcher;
	struct seed_plan plan;
	struct cfs_digest *images;	/* that were asked for */
	size_t n_images;
	struct seed_from_report from_reports[SEED_FROM_MAX];
	struct progress progress;
	uint64_t bytes_wanted;		/* of what is downloaded */
	uint64_t n_failed;		/* objects that could not be had */
	int signal_fd;
};

__attribute__((format(printf, 1, 2)))
static int complain(const char *format, ...)
{
	va_list args;

	fputs("cfs-seed: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return SEED_EXIT_FAILED;
}

/* Only while downloading: until then interrupt_say() does. */
static int block_signals(struct seed *seed)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	seed->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return seed->signal_fd < 0 ? -errno : 0;
}

/* Fewer transfers, if no more files may be open. */
static int fit_descriptors(struct seed *seed)
{
	int n = descriptors_fit(&seed->options.config, descriptors_threads(0), 1);

	if (n == -EMFILE)
		return complain("only %u files may be open, which are too few; see ulimit -n, LimitNOFILE=",
				descriptor_limit());
	if (n > 0 && !seed->options.quiet)
		complain("only %u files may be open: %d transfers at once; see ulimit -n, LimitNOFILE=",
			 descriptor_limit(), n);
	return n < 0 ? SEED_EXIT_FAILED : 0;
}

static int set_up(struct seed *seed)
{
	const struct seed_options *options = &seed->options;
	struct errmsg why;
	int err = cfs_store_open(options->store, CFS_STORE_CREATE,
				 &seed->store);

	if (err < 0) {
		cfs_store_explain_open(options->store, err, &why);
		return complain("%s", why.text);
	}
	err = cfs_store_guard(options->store, &why);
	if (err < 0 || (err > 0 && !options->quiet))
		complain("%s", why.text);
	if (err < 0)
		return SEED_EXIT_FAILED;
	if (!cfs_store_has_verity(seed->store) && !options->quiet)
		complain("%s: no fs-verity on this file system; mount with verity_check=0",
			 options->store);
	err = loop_new(options->no_io_uring ? LOOP_NO_IO_URING : 0,
		       descriptors_threads(0), &seed->loop);
	if (err < 0)
		return complain("starting: %s", strerror(-err));
	return options->config.n_mirrors ? fit_descriptors(seed) : 0;
}

static void tell_meaning(const struct seed *seed, const char *what,
			 const struct seed_meaning *meaning)
{
	char hex[CFS_DIGEST_HEX_LEN + 1];

	if (meaning->strange)
		complain("%s: %llu of %llu digests are not of any image in the store: left out",
			 what, (unsigned long long)meaning->strange,
			 (unsigned long long)meaning->listed);
	if (meaning->bad_lines)
		complain("%s: %llu lines are neither a digest nor a comment: skipped",
			 what, (unsigned long long)meaning->bad_lines);
	if (meaning->too_long)
		complain("%s: longer than %llu MiB: the rest is not read", what,
			 (unsigned long long)(PROFILE_MAX >> 20));
	if (meaning->is_profile || seed->options.quiet || seed->options.json)
		return;
	cfs_digest_format(&meaning->digest, hex);
	printf("image %s  %s\n", hex, what);
}

static int resolve_all(struct seed *seed)
{
	const struct seed_options *options = &seed->options;
	const struct seed_target target = {
		.store = seed->store,
		.loop = seed->loop,
		.config = &options->config,
		.plan = &seed->plan,
		.name = options->name,
		.pin = !options->dry_run,
	};
	CLEANUP_CLOSE int lock_fd = -1;
	int err = cfs_store_lock(seed->store, CFS_STORE_LOCK_SHARED, true,
				 &lock_fd);

	if (err < 0)
		return complain("%s: %s", options->store, strerror(-err));
	seed->images = calloc(options->n_what + 1, sizeof(*seed->images));
	if (!seed->images)
		return complain("%s", strerror(ENOMEM));
	for (size_t i = 0; i < options->n_what; i++) {
		struct errmsg msg = { .text = "" };
		struct seed_meaning meaning;

		err = seed_what(&target, options->what[i], &meaning, &msg);
		if (err < 0)
			return complain("%s", msg.text[0] ? msg.text :
					strerror(-err));
		if (!meaning.is_profile)
			seed->images[seed->n_images++] = meaning.digest;
		tell_meaning(seed, options->what[i], &meaning);
	}
	err = FAILPOINT("seed.pinned");
	if (err == 0)
		err = seed_plan_settle(&seed->plan, seed->store, options->verify);
	return err < 0 ? complain("%s: %s", options->store, strerror(-err)) : 0;
}

static int take_local(struct seed *seed)
{
	const struct seed_options *options = &seed->options;

	for (size_t i = 0; i < options->n_from; i++) {
		int err = seed_from(&seed->plan, seed->store, options->from[i],
				    options->dry_run, options->n_threads,
				    &seed->from_reports[i]);

		if (err < 0)
			return complain("%s: %s", options->from[i],
					strerror(-err));
	}
	return 0;
}

static void show_progress(void *context)
{
	struct seed *seed = context;
	const struct fetch_stats *stats = fetcher_stats(seed->fetcher);
	const struct progress_state state = {
		.bytes = stats->object_bytes,
		.total = seed->bytes_wanted,
		.items = stats->objects,
	};

	if (!seed->options.quiet)
		progress_show(&seed->progress, &state);
}

static void stopped(void *context)
{
	loop_stop(context);
}

/*
 * One line for each mirror that failed, and for the first objects that could not be had:
 * of thousands the reason is mostly the same.
 */
static void log_failure(void *context, const struct fetch_event *event)
{
	struct seed *seed = context;
	char hex[CFS_DIGEST_HEX_LEN + 1];

	if (event->err == 0 && event->result == FETCH_RESULT_OK)
		return;
	if (event->final && ++seed->n_failed > FAILURES_SHOWN &&
	    !seed->options.verbose)
		return;
	cfs_digest_format(event->digest, hex);
	progress_end(&seed->progress);
	complain("object %s: %s%s%s%s%s", hex,
		 event->mirror ? event->mirror : "", event->mirror ? ": " : "",
		 fetch_result_name(event->result), event->reason ? ": " : "",
		 event->reason ? event->reason : "");
}

static int download(struct seed *seed)
{
	const struct seed_options *options = &seed->options;
	struct seed_fetch_options how = {
		.rate = options->limit_rate,
		.tick = show_progress,
		.context = seed,
	};
	int err, last_err = 0;

	how.window = options->config.max_transfers * WINDOW_FACTOR;
	how.max_in_a_row = how.window;
	err = block_signals(seed);
	seed->bytes_wanted = seed_plan_count(&seed->plan, SEED_WANTED).bytes;
	how.stop_fd = seed->signal_fd;
	seed->options.config.in_batches = true;
	if (err == 0)
		err = fetcher_new(seed->loop, seed->store, &options->config,
				  log_failure, seed, &seed->fetcher);
	if (err < 0)
		return complain("starting: %s", strerror(-err));
	fetcher_ask_for_offers(seed->fetcher,
			       options->config.hard ||
			       options->config.deadline_ms > OFFERS_MS ?
				       OFFERS_MS : options->config.deadline_ms);
	progress_begin(&seed->progress, "cfs-seed", "objects");
	err = seed_pack(&seed->plan, seed->loop, seed->store, seed->fetcher,
			seed->images, seed->n_images, &how);
	if (err == 0)
		err = seed_fetch(&seed->plan, seed->loop, seed->fetcher, &how,
				 &last_err);
	progress_end(&seed->progress);
	fetcher_stop(seed->fetcher, stopped, seed->loop);
	loop_run(seed->loop);
	fetcher_free(seed->fetcher);
	if (err == -EINTR)
		return complain("interrupted; run it again to go on");
	if (err < 0)
		return complain("%s: %s", options->store, strerror(-err));
	if (seed->n_failed > FAILURES_SHOWN && !options->verbose)
		complain("%llu more objects could not be had, not shown: see --verbose",
			 (unsigned long long)seed->n_failed - FAILURES_SHOWN);
	if (last_err < 0)
		complain("%llu objects could not be had: %s",
			 (unsigned long long)seed->n_failed,
			 strerror(-last_err));
	return 0;
}

static bool wants_more(const struct seed *seed)
{
	return seed_plan_count(&seed->plan, SEED_WANTED).objects > 0;
}

static int work(struct seed *seed)
{
	const struct seed_options *options = &seed->options;
	int status = resolve_all(seed), err;

	if (status == 0)
		status = take_local(seed);
	if (status == 0 && !options->dry_run && wants_more(seed) &&
	    options->config.n_mirrors)
		status = download(seed);
	if (options->dry_run)
		return status;
	err = cfs_store_sync(seed->store);
	if (err < 0)
		status = complain("%s: %s", options->store, strerror(-err));
	return status;
}

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) +
	       (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static int tell(const struct seed *seed, double seconds, int status)
{
	const struct seed_report report = {
		.plan = &seed->plan,
		.from = seed->options.from,
		.from_reports = seed->from_reports,
		.n_from = seed->options.n_from,
		.seconds = seconds,
		.dry_run = seed->options.dry_run,
	};

	if (seed->options.json)
		seed_report_json(&report);
	else if (!seed->options.quiet &&
		 (seed->plan.n_objects || seed->plan.no_object.objects))
		seed_report_print(&report);
	if (fflush(stdout))
		return complain("stdout: %m");
	if (seed->plan.no_object.objects)
		complain("%llu files can't be had from a mirror: the image reads them from paths that are not the names of objects, such as %s; their content has to be put into the store's objects/ by the program that made the image",
			 (unsigned long long)seed->plan.no_object.objects,
			 seed->plan.example);
	if (status == 0 && !seed_report_complete(&report))
		return SEED_EXIT_INCOMPLETE;
	return status;
}

static void say_waiting(const struct cfs_store_lock_holder *holder)
{
	char text[CFS_STORE_LOCK_TEXT];

	complain("%s", cfs_store_lock_format(holder, text));
}

int main(int argc, char **argv)
{
	struct seed seed = { .signal_fd = -1 };
	unsigned int absent;
	struct timespec start;
	int status;

	process_begin();
	cfs_store_lock_tell(say_waiting);
	if (seed_options_parse(argc, argv, &seed.options, &status))
		return status;
	descriptor_limit_raise();
	interrupt_say("cfs-seed: interrupted; run it again to go on\n");
	clock_gettime(CLOCK_MONOTONIC, &start);
	seed_plan_init(&seed.plan);
	absent = cfs_store_absent(seed.options.store);
	status = set_up(&seed);
	if (status == 0) {
		status = work(&seed);
		status = tell(&seed, seconds_since(&start), status);
	}
	cleanup_close(&seed.signal_fd);
	loop_free(seed.loop);
	free(seed.images);
	seed_plan_free(&seed.plan);
	cfs_store_close(seed.store);
	if (status)
		cfs_store_unmake(seed.options.store, absent);
	seed_options_free(&seed.options);
	return status;
}
