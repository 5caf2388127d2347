// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The loop without io_uring: descriptors in an epoll set, writes to files on the pool.
 *
 * A poll that is stopped may still stand in the events of the running round, so
 * it is freed when the round is over.
 */
#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "fetcher/loop/backend.h"

#define N_EVENTS	128

static int set_open(struct loop *loop)
{
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return loop->epoll_fd < 0 ? -errno : 0;
}

static void free_dead(struct loop *loop)
{
	struct loop_poll *poll;

	while ((poll = LIST_FIRST(&loop->dead_polls)))
		loop_poll_free(poll);
}

static void set_close(struct loop *loop)
{
	free_dead(loop);
	close(loop->epoll_fd);
}

static int control(struct loop *loop, int op, struct loop_fd *lfd)
{
	struct epoll_event event = {
		.events = lfd->events,
		.data.ptr = lfd->poll,
	};

	return epoll_ctl(loop->epoll_fd, op, lfd->fd, &event) < 0 ? -errno : 0;
}

static int set_poll_start(struct loop *loop, struct loop_fd *lfd)
{
	int err;

	if (!loop_poll_new(loop, lfd))
		return -ENOMEM;
	err = control(loop, EPOLL_CTL_ADD, lfd);
	if (err < 0) {
		loop_poll_free(lfd->poll);
		lfd->poll = NULL;
	}
	return err;
}

static int set_poll_modify(struct loop *loop, struct loop_fd *lfd)
{
	return control(loop, EPOLL_CTL_MOD, lfd);
}

static void set_poll_stop(struct loop *loop, struct loop_fd *lfd)
{
	control(loop, EPOLL_CTL_DEL, lfd);
	lfd->poll->owner = NULL;
	LIST_REMOVE(lfd->poll, entry);
	LIST_INSERT_HEAD(&loop->dead_polls, lfd->poll, entry);
}

static void op_run(struct loop_work *work)
{
	struct loop_op *op = container_of(work, struct loop_op, work);
	ssize_t n;

	do {
		n = pwritev(op->fd, op->pieces, (int)op->n_pieces, op->offset);
	} while (n < 0 && errno == EINTR);
	op->res = n < 0 ? -errno : (int)n;
}

static void op_done(struct loop_work *work)
{
	struct loop_op *op = container_of(work, struct loop_op, work);

	op->complete(op, op->res);
}

static void set_submit_op(struct loop *loop, struct loop_op *op)
{
	/* The pool's completion is the one that counts. */
	loop->n_pending--;
	op->work.run = op_run;
	op->work.done = op_done;
	loop_work_submit(loop, &op->work);
}

static int set_wait(struct loop *loop, uint64_t ms)
{
	struct epoll_event events[N_EVENTS];
	int i, n;

	n = epoll_wait(loop->epoll_fd, events, N_EVENTS,
		       ms == LOOP_FOREVER ? -1 :
		       ms > INT_MAX ? INT_MAX : (int)ms);
	if (n < 0 && errno != EINTR)
		return -errno;
	loop_update_now(loop);
	for (i = 0; i < n && !loop->stopping; i++) {
		struct loop_poll *poll = events[i].data.ptr;
		struct loop_fd *lfd = poll->owner;

		if (lfd && loop_may_call(loop, lfd))
			lfd->ready(lfd, events[i].events);
	}
	free_dead(loop);
	return 0;
}

const struct loop_backend loop_epoll = {
	.open = set_open,
	.close = set_close,
	.poll_start = set_poll_start,
	.poll_modify = set_poll_modify,
	.poll_stop = set_poll_stop,
	.submit_op = set_submit_op,
	.wait = set_wait,
};
