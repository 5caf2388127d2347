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
	case -EFBIG:		/* the store can never take it */
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

static struct failure_world world_of(struct object_waits *waits)
{
	struct failure_world world = { .now_ms = loop_now_ms(waits->loop) };

	waits->world(waits, &world);
	return world;
}

void object_wait_note(struct object_waits *waits,
		      const struct cfs_digest *digest, uint64_t part, int err)
{
	const struct failure_key key = { .digest = *digest, .part = part };
	struct failure_world world;

	err = errno_for_reader(err);
	/* These say nothing about the next one. */
	if (!err || err == -EINTR || err == -ENOMEM)
		return;
	world = world_of(waits);
	failures_note(&waits->failures, &key, &world, err);
}

int object_wait_failed(struct object_waits *waits,
		       const struct cfs_digest *digest, uint64_t part,
		       bool queued)
{
	const struct failure_key key = { .digest = *digest, .part = part };
	struct failure_world world = world_of(waits);

	return failures_recall(&waits->failures, &key, &world, queued);
}

static void object_came(struct fetch_waiter *waiter, int err)
{
	struct object_wait *wait =
		container_of(waiter, struct object_wait, waiter);

	object_wait_note(wait->waits, &wait->digest, 0, err);
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
		      struct fetcher *fetcher, object_world_fn world)
{
	*waits = (struct object_waits){
		.loop = loop,
		.fetcher = fetcher,
		.world = world,
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
	failures_deinit(&waits->failures);
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
	wait->size = size;
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
