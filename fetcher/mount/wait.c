// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cache/base/container_of.h"
#include "fetcher/mount/wait.h"
#include "fetcher/mount/requester.h"

/*
 * Looking at suspects, 10 to 20 us each: often enough to end a killed one within
 * 100 ms.  Where there are more than about a thousand of them, all get their turn
 * later rather than take more than a quarter of the loop's time.
 */
#define LOOK_MS			40
#define LOOK_BUDGET_US		10000

/* Those who queued behind a failure come within a few milliseconds of each other;
 * whoever tries anew later gets a new chance, even if he tries without pause. */
#define FAILURE_GAP_MS	250
#define FAILURE_MAX_MS	1000

static int errno_for_reader(int err)
{
	switch (err) {
	case 0:
	case -EIO:
	case -EINTR:
	case -ETIMEDOUT:
	case -EHOSTUNREACH:
	case -ENOSPC:
	case -ENOMEM:
		return err;
	case -EDQUOT:
		return -ENOSPC;
	default:
		return -EIO;
	}
}

void object_wait_end(struct object_wait *wait, int err)
{
	struct object_waits *waits = wait->waits;

	TAILQ_REMOVE(&waits->all, wait, all);
	if (wait->suspect)
		TAILQ_REMOVE(&waits->suspects, wait, suspects);
	waits->n_waiting--;
	wait->answer(wait, errno_for_reader(err));
	free(wait);
}

static void remember_failure(struct object_waits *waits,
			     const struct cfs_digest *digest, int err)
{
	uint64_t now_ms = loop_now_ms(waits->loop);
	struct object_failure *oldest = &waits->failures[0];

	for (size_t i = 0; i < OBJECT_WAIT_FAILURES; i++) {
		struct object_failure *failure = &waits->failures[i];

		if (failure->err && cfs_digest_equal(&failure->digest, digest)) {
			oldest = failure;
			break;
		}
		if (failure->last_ms < oldest->last_ms)
			oldest = failure;
	}
	*oldest = (struct object_failure){
		.digest = *digest,
		.err = err,
		.first_ms = now_ms,
		.last_ms = now_ms,
	};
}

int object_wait_failed(struct object_waits *waits,
		       const struct cfs_digest *digest)
{
	uint64_t now_ms = loop_now_ms(waits->loop);

	for (size_t i = 0; i < OBJECT_WAIT_FAILURES; i++) {
		struct object_failure *failure = &waits->failures[i];

		if (!failure->err || !cfs_digest_equal(&failure->digest, digest))
			continue;
		if (now_ms - failure->last_ms > FAILURE_GAP_MS ||
		    now_ms - failure->first_ms > FAILURE_MAX_MS) {
			failure->err = 0;
			return 0;
		}
		failure->last_ms = now_ms;
		return failure->err;
	}
	return 0;
}

static void object_came(struct fetch_waiter *waiter, int err)
{
	struct object_wait *wait =
		container_of(waiter, struct object_wait, waiter);

	err = errno_for_reader(err);
	if (err == -ETIMEDOUT || err == -EHOSTUNREACH)
		remember_failure(wait->waits, &wait->digest, err);
	object_wait_end(wait, err);
}

/*
 * Of a requester that had a signal and can't be seen, better a system call that ends
 * with EINTR than a process that can't be killed.
 */
static bool should_end(const struct object_wait *wait)
{
	switch (requester_look(wait->waits->proc_fd,
			       fuse_req_ctx(wait->req)->pid)) {
	case REQUESTER_LIVES:
		return false;
	case REQUESTER_DYING:
		return true;
	case REQUESTER_UNSEEN:
		break;
	}
	return wait->interrupted;
}

static uint64_t clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void look_at_suspects(struct loop_timer *timer)
{
	struct object_waits *waits =
		container_of(timer, struct object_waits, look);
	struct object_wait *wait, *last = TAILQ_LAST(&waits->suspects,
						     object_wait_list);
	uint64_t begun_us = clock_us();

	do {
		wait = TAILQ_FIRST(&waits->suspects);
		if (!wait)
			return;
		/* Last in the queue, so that all get their turn. */
		TAILQ_REMOVE(&waits->suspects, wait, suspects);
		TAILQ_INSERT_TAIL(&waits->suspects, wait, suspects);
		if (should_end(wait)) {
			bool was_last = wait == last;

			waits->n_gone++;
			wait->leave(wait);
			object_wait_end(wait, -EINTR);
			if (was_last)
				break;
		} else if (wait == last) {
			break;
		}
	} while (clock_us() - begun_us < LOOK_BUDGET_US);
	if (!TAILQ_EMPTY(&waits->suspects))
		loop_timer_start(waits->loop, &waits->look, LOOK_MS);
}

/* Called by libfuse while it handles another request: look later, but at once. */
static void interrupted(fuse_req_t req, void *data)
{
	struct object_wait *wait = data;
	struct object_waits *waits = wait->waits;

	(void)req;
	waits->n_interrupts++;
	wait->interrupted = true;
	if (wait->suspect)
		TAILQ_REMOVE(&waits->suspects, wait, suspects);
	wait->suspect = true;
	TAILQ_INSERT_HEAD(&waits->suspects, wait, suspects);
	loop_timer_start(waits->loop, &waits->look, 0);
}

void object_wait_suspect(struct object_wait *wait)
{
	struct object_waits *waits = wait->waits;

	if (wait->suspect)
		return;
	wait->suspect = true;
	TAILQ_INSERT_TAIL(&waits->suspects, wait, suspects);
	if (!loop_timer_running(&waits->look))
		loop_timer_start(waits->loop, &waits->look, LOOK_MS);
}

int object_waits_init(struct object_waits *waits, struct loop *loop,
		      struct fetcher *fetcher)
{
	*waits = (struct object_waits){
		.loop = loop,
		.fetcher = fetcher,
		.look = { .expired = look_at_suspects },
	};
	TAILQ_INIT(&waits->all);
	TAILQ_INIT(&waits->suspects);
	waits->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return waits->proc_fd < 0 ? -errno : 0;
}

void object_waits_deinit(struct object_waits *waits)
{
	loop_timer_stop(waits->loop, &waits->look);
	if (waits->proc_fd >= 0)
		close(waits->proc_fd);
	waits->proc_fd = -1;
}

void object_wait_enter(struct object_waits *waits, struct object_wait *wait,
		       fuse_req_t req,
		       void (*leave)(struct object_wait *wait),
		       object_wait_fn answer)
{
	wait->waits = waits;
	wait->req = req;
	wait->since_ms = loop_now_ms(waits->loop);
	wait->leave = leave;
	wait->answer = answer;
	TAILQ_INSERT_TAIL(&waits->all, wait, all);
	waits->n_waiting++;
	waits->n_started++;
	/* Calls back at once if the interrupt came before. */
	fuse_req_interrupt_func(req, interrupted, wait);
}

static void leave_object(struct object_wait *wait)
{
	fetch_leave(wait->waits->fetcher, &wait->waiter);
}

int object_wait_start(struct object_waits *waits, fuse_req_t req,
		      const struct cfs_digest *digest, uint64_t size,
		      object_wait_fn answer)
{
	struct object_wait *wait = calloc(1, sizeof(*wait));
	int err;

	if (!wait)
		return -ENOMEM;
	wait->waiter.done = object_came;
	wait->waits = waits;
	wait->digest = *digest;
	err = fetch_object(waits->fetcher, digest, size, FETCH_DEMAND,
			   &wait->waiter);
	if (err) {
		free(wait);
		return errno_for_reader(err);
	}
	object_wait_enter(waits, wait, req, leave_object, answer);
	return 0;
}

uint64_t object_wait_oldest_ms(const struct object_waits *waits)
{
	const struct object_wait *oldest = TAILQ_FIRST(&waits->all);

	return oldest ? loop_now_ms(waits->loop) - oldest->since_ms : 0;
}
