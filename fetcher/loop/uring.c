// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The loop on io_uring: descriptors are one-shot polls, re-armed after the
 * callback.  (A multishot poll loses level-triggered readiness.)
 *
 * user_data: a loop_poll with bit 0 set, a loop_op without, 0 for a cancellation.
 *
 * A poll in flight keeps its file open: a socket closed under it would send no
 * FIN.  So poll_stop cancels, and the ring is entered before the loop sleeps.
 */
#include <errno.h>
#include <poll.h>

#include "fetcher/loop/backend.h"

#define RING_ENTRIES	256
#define CQ_ENTRIES	1024
#define FEATURES	(IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG)
/* Buffered writes to most file systems are done by the ring's own threads. */
#define BOUNDED_WORKERS	8

static int ring_open(struct loop *loop)
{
	static const unsigned int flags[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		IORING_SETUP_COOP_TASKRUN,
		0,
	};
	unsigned int workers[2] = { BOUNDED_WORKERS, 0 };
	size_t i;
	int err = -EINVAL;

	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		struct io_uring_params params = {
			.flags = flags[i] | IORING_SETUP_CLAMP |
				 IORING_SETUP_CQSIZE,
			.cq_entries = CQ_ENTRIES,
		};

		err = io_uring_queue_init_params(RING_ENTRIES, &loop->ring,
						 &params);
		if (err == -EINVAL)
			continue;
		if (err < 0)
			return err;
		if ((params.features & FEATURES) != FEATURES) {
			io_uring_queue_exit(&loop->ring);
			return -EOPNOTSUPP;
		}
		/* An optimisation; kernels before 5.15 don't know it. */
		io_uring_register_iowq_max_workers(&loop->ring, workers);
		return 0;
	}
	return err;
}

static void ring_close(struct loop *loop)
{
	io_uring_queue_exit(&loop->ring);
}

static struct io_uring_sqe *get_sqe(struct loop *loop)
{
	struct io_uring_sqe *sqe;

	/* A full queue is handed over; that fails only for want of memory. */
	while (!(sqe = io_uring_get_sqe(&loop->ring)))
		io_uring_submit_and_get_events(&loop->ring);
	return sqe;
}

static void arm(struct loop *loop, struct loop_poll *poll)
{
	struct io_uring_sqe *sqe = get_sqe(loop);

	io_uring_prep_poll_add(sqe, poll->owner->fd, poll->owner->events);
	io_uring_sqe_set_data64(sqe, (uintptr_t)poll | 1);
	poll->armed = true;
}

static int ring_poll_start(struct loop *loop, struct loop_fd *lfd)
{
	struct loop_poll *poll = loop_poll_new(loop, lfd);

	if (!poll)
		return -ENOMEM;
	if (lfd->events)
		arm(loop, poll);
	return 0;
}

/* The kernel is asked to return it; until then it may not be freed. */
static void disown(struct loop *loop, struct loop_poll *poll)
{
	poll->owner = NULL;
	if (poll->armed) {
		struct io_uring_sqe *sqe = get_sqe(loop);

		io_uring_prep_poll_remove(sqe, (uintptr_t)poll | 1);
		io_uring_sqe_set_data64(sqe, 0);
	} else if (!poll->calling) {
		loop_poll_free(poll);
	}
}

static void ring_poll_stop(struct loop *loop, struct loop_fd *lfd)
{
	disown(loop, lfd->poll);
}

static int ring_poll_modify(struct loop *loop, struct loop_fd *lfd)
{
	struct loop_poll *poll = lfd->poll;

	if (poll->armed) {
		int err = ring_poll_start(loop, lfd);

		if (err == 0)
			disown(loop, poll);
		return err;
	}
	/* In its callback it is armed when that returns. */
	if (!poll->calling && lfd->events)
		arm(loop, poll);
	return 0;
}

static void ring_submit_op(struct loop *loop, struct loop_op *op)
{
	struct io_uring_sqe *sqe = get_sqe(loop);

	io_uring_prep_writev(sqe, op->fd, op->pieces, op->n_pieces, op->offset);
	io_uring_sqe_set_data64(sqe, (uintptr_t)op);
}

static void poll_completed(struct loop *loop, struct loop_poll *poll, int res)
{
	struct loop_fd *lfd = poll->owner;

	poll->armed = false;
	if (lfd && loop_may_call(loop, lfd)) {
		poll->calling = true;
		/* lfd may be gone after this. */
		lfd->ready(lfd, res < 0 ? POLLERR : (uint32_t)res);
		poll->calling = false;
	}
	if (!poll->owner)
		loop_poll_free(poll);
	else if (poll->owner->events && loop_may_call(loop, poll->owner))
		arm(loop, poll);
}

static void completed(struct loop *loop, uint64_t user_data, int res)
{
	if (user_data & 1) {
		poll_completed(loop,
			       (struct loop_poll *)(uintptr_t)(user_data & ~1ULL),
			       res);
	} else if (user_data) {
		struct loop_op *op = (struct loop_op *)(uintptr_t)user_data;

		loop->n_pending--;
		op->complete(op, res);
	}
}

static int ring_wait(struct loop *loop, uint64_t ms)
{
	struct __kernel_timespec ts = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000,
	};
	struct io_uring_cqe *cqe;
	unsigned int n;
	int err;

	if (ms == 0)
		err = io_uring_submit_and_get_events(&loop->ring);
	else
		err = io_uring_submit_and_wait_timeout(
			&loop->ring, &cqe, 1,
			ms == LOOP_FOREVER ? NULL : &ts, NULL);
	/* EBUSY, EAGAIN: completions must be taken first, or memory is short. */
	if (err < 0 && err != -ETIME && err != -EINTR && err != -EBUSY &&
	    err != -EAGAIN)
		return err;
	loop_update_now(loop);
	for (n = io_uring_cq_ready(&loop->ring); n && !loop->stopping; n--) {
		uint64_t user_data;
		int res;

		if (io_uring_peek_cqe(&loop->ring, &cqe) < 0)
			break;
		user_data = cqe->user_data;
		res = cqe->res;
		io_uring_cqe_seen(&loop->ring, cqe);
		completed(loop, user_data, res);
	}
	return 0;
}

const struct loop_backend loop_uring = {
	.open = ring_open,
	.close = ring_close,
	.poll_start = ring_poll_start,
	.poll_modify = ring_poll_modify,
	.poll_stop = ring_poll_stop,
	.submit_op = ring_submit_op,
	.wait = ring_wait,
};
