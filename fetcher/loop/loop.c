// SPDX-License-Identifier: GPL-2.0-or-later
/* The event loop: timers, deferred calls, rounds. */
#include "fetcher/loop/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sys/epoll.h>

#include "fetcher/loop/backend.h"

/*
 * Sealing and flushing wait for the disk, and the more of them wait at once, the
 * more of them one commit of the journal serves; hashing hardly needs threads.
 */
#define POOL_THREADS	16

/*
 * While timers run, the loop wakes up so often, to notice when it is kept from it: of
 * a pause without a wake-up, no more than this counts as time.
 */
#define TICK_MS		1000

/* Later than this is more than a busy machine. */
#define LATE_MS		500

static uint64_t read_ms(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static uint64_t clock_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

/* Read the clock, before or after a sleep of at most @slept_ms. */
static void read_clock(struct loop *loop, uint64_t slept_ms)
{
	uint64_t clock = clock_ms(), passed = clock - loop->clock_ms;
	uint64_t suspended = read_ms(CLOCK_BOOTTIME) - clock;

	if (slept_ms != LOOP_FOREVER && passed > slept_ms + LATE_MS) {
		loop->lost_ms += passed - slept_ms;
		loop->n_pauses++;
	}
	if (suspended > loop->suspended_ms + LATE_MS) {
		loop->suspended_ms = suspended;
		loop->n_pauses++;
	}
	loop->clock_ms = clock;
	loop->now_ms = clock - loop->lost_ms;
}

void loop_update_now(struct loop *loop)
{
	read_clock(loop, loop->sleep_ms);
}

static bool forbidden(unsigned int flags)
{
	const char *env = getenv("CFS_NO_IO_URING");

	return (flags & LOOP_NO_IO_URING) ||
	       (env && *env && strcmp(env, "0") != 0);
}

static int open_backend(struct loop *loop, unsigned int flags)
{
	int err;

	if (!forbidden(flags)) {
		loop->backend = &loop_uring;
		err = loop->backend->open(loop);
		if (err == 0 || err == -ENOMEM || err == -EMFILE ||
		    err == -ENFILE)
			return err;
	}
	loop->backend = &loop_epoll;
	return loop->backend->open(loop);
}

/* What the kernel still knew of the polls is gone once the backend is closed. */
static void close_backend(struct loop *loop)
{
	struct loop_poll *poll;

	loop->backend->close(loop);
	while ((poll = LIST_FIRST(&loop->polls)))
		loop_poll_free(poll);
}

struct loop_poll *loop_poll_new(struct loop *loop, struct loop_fd *lfd)
{
	struct loop_poll *poll = malloc(sizeof(*poll));

	if (!poll)
		return NULL;
	*poll = (struct loop_poll){ .owner = lfd };
	LIST_INSERT_HEAD(&loop->polls, poll, entry);
	lfd->poll = poll;
	return poll;
}

void loop_poll_free(struct loop_poll *poll)
{
	LIST_REMOVE(poll, entry);
	free(poll);
}

/* The eventfd of the pool: some work is done. */
static void pool_ready(struct loop_fd *lfd, uint32_t events)
{
	struct loop *loop = container_of(lfd, struct loop, pool_fd);
	struct loop_work_list done;
	struct loop_work *work;

	(void)events;
	loop_pool_collect(loop->pool, &done);
	/* loop_stop() does not stop this: nobody would come back for the rest. */
	while ((work = STAILQ_FIRST(&done))) {
		STAILQ_REMOVE_HEAD(&done, entry);
		loop->n_pending--;
		work->done(work);
	}
}

int loop_new(unsigned int flags, unsigned int n_threads, struct loop **ret)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int err, pool_event_fd;

	if (!loop)
		return -ENOMEM;
	TAILQ_INIT(&loop->deferred);
	LIST_INIT(&loop->polls);
	LIST_INIT(&loop->dead_polls);
	loop->suspended_ms = read_ms(CLOCK_BOOTTIME) - clock_ms();
	read_clock(loop, LOOP_FOREVER);
	err = open_backend(loop, flags);
	if (err < 0)
		goto out_free;
	err = loop_pool_new(n_threads ? n_threads : POOL_THREADS,
			    &loop->pool, &pool_event_fd);
	if (err < 0)
		goto out_backend;
	loop->pool_fd.ready = pool_ready;
	err = loop_fd_start(loop, &loop->pool_fd, pool_event_fd, EPOLLIN);
	if (err < 0)
		goto out_pool;
	*ret = loop;
	return 0;

out_pool:
	loop_pool_free(loop->pool);
out_backend:
	close_backend(loop);
out_free:
	free(loop);
	return err;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	loop->closing = true;
	loop->stopping = false;
	loop->sleep_ms = LOOP_FOREVER;
	while (loop->n_pending > 0)
		if (loop->backend->wait(loop, LOOP_FOREVER) < 0)
			break;
	loop_pool_free(loop->pool);
	close_backend(loop);
	free(loop);
}

bool loop_uses_io_uring(const struct loop *loop)
{
	return loop->backend == &loop_uring;
}

uint64_t loop_now_ms(const struct loop *loop)
{
	return loop->running ? loop->now_ms : clock_ms() - loop->lost_ms;
}

unsigned int loop_pauses(const struct loop *loop)
{
	return loop->n_pauses;
}

void loop_stop(struct loop *loop)
{
	loop->stopping = true;
}

static void run_timers(struct loop *loop)
{
	size_t n;

	/* Bounded, so that a timer started with 0 ms can't starve the rest. */
	for (n = loop->n_timers; n && !loop->stopping; n--) {
		struct loop_timer *timer = loop->timers;

		if (!timer || timer->at_ms > loop->now_ms)
			break;
		loop_timer_stop(loop, timer);
		timer->expired(timer);
	}
}

static void run_deferred(struct loop *loop)
{
	size_t n;

	/* Bounded likewise: what they defer themselves comes in the next round. */
	for (n = loop->n_deferred; n; n--) {
		struct loop_deferred *deferred = TAILQ_FIRST(&loop->deferred);

		if (!deferred)
			break;
		loop_undefer(loop, deferred);
		deferred->call(deferred);
	}
}

static uint64_t time_to_sleep(struct loop *loop)
{
	uint64_t ms;

	/* Time has passed since the round began. */
	read_clock(loop, 0);
	if (!TAILQ_EMPTY(&loop->deferred))
		return 0;
	if (!loop->timers)
		return LOOP_FOREVER;
	if (loop->timers->at_ms <= loop->now_ms)
		return 0;
	ms = loop->timers->at_ms - loop->now_ms;
	return ms < TICK_MS ? ms : TICK_MS;
}

int loop_run(struct loop *loop)
{
	int err = 0;

	loop->stopping = false;
	loop->running = true;
	/* What was done since the last run took its time. */
	read_clock(loop, LOOP_FOREVER);
	while (!loop->stopping && err == 0) {
		run_timers(loop);
		run_deferred(loop);
		if (loop->stopping)
			break;
		loop->sleep_ms = time_to_sleep(loop);
		err = loop->backend->wait(loop, loop->sleep_ms);
	}
	loop->running = false;
	return err;
}

int loop_fd_start(struct loop *loop, struct loop_fd *lfd, int fd,
		  uint32_t events)
{
	lfd->fd = fd;
	lfd->events = events;
	return loop->backend->poll_start(loop, lfd);
}

int loop_fd_modify(struct loop *loop, struct loop_fd *lfd, uint32_t events)
{
	if (lfd->events == events)
		return 0;
	lfd->events = events;
	return loop->backend->poll_modify(loop, lfd);
}

void loop_fd_stop(struct loop *loop, struct loop_fd *lfd)
{
	if (!lfd->poll)
		return;
	loop->backend->poll_stop(loop, lfd);
	lfd->poll = NULL;
}

void loop_work_submit(struct loop *loop, struct loop_work *work)
{
	loop->n_pending++;
	loop_pool_submit(loop->pool, work);
}

void loop_write(struct loop *loop, struct loop_op *op, int fd,
		const struct iovec *pieces, unsigned int n, off_t offset)
{
	op->fd = fd;
	op->pieces = pieces;
	op->n_pieces = n;
	op->offset = offset;
	loop->n_pending++;
	loop->backend->submit_op(loop, op);
}

void loop_defer(struct loop *loop, struct loop_deferred *deferred)
{
	if (deferred->queued)
		return;
	deferred->queued = true;
	loop->n_deferred++;
	TAILQ_INSERT_TAIL(&loop->deferred, deferred, entry);
}

void loop_undefer(struct loop *loop, struct loop_deferred *deferred)
{
	if (!deferred->queued)
		return;
	deferred->queued = false;
	loop->n_deferred--;
	TAILQ_REMOVE(&loop->deferred, deferred, entry);
}
