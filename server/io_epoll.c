// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The epoll engine, for where io_uring can't be had.
 *
 *	start --> READY --- tried, done ---> ->done()
 *	            ^  |
 *	   event    |  | tried, EAGAIN
 *	            |  v
 *	          PARKED
 *
 * Each operation is tried first and parked only if it would block; a parked
 * one is on no list, since its socket's edge-triggered event leads to it.  Files
 * are opened and read on the spot: a cold disk holds up the thread's other
 * connections, which is what the other engine is for.
 */
#include "server/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "cache/base/beneath.h"
#include "cache/base/cleanup.h"

#define BUFFER_LEN	4096
#define N_EVENTS	256
#define WINDOW_MAX	(1u << 20)

enum phase {
	PHASE_IDLE,
	PHASE_READY,
	PHASE_PARKED,
	PHASE_STOPPED,		/* an IO_ACCEPT that is to end */
};

struct io_epoll {
	struct io io;
	int epoll_fd;
	struct io_op *ready;
	struct io_op **ready_end;
	char bytes[BUFFER_LEN];
};

static void make_ready(struct io_epoll *e, struct io_op *op, enum phase phase)
{
	op->engine.phase = phase;
	op->engine.next = NULL;
	*e->ready_end = op;
	e->ready_end = &op->engine.next;
}

static void epoll_start(struct io *io, struct io_op *op)
{
	if (op->kind == IO_ACCEPT || op->kind == IO_WAKE)
		fcntl(op->fd, F_SETFL, O_RDWR | O_NONBLOCK);
	make_ready((struct io_epoll *)io, op, PHASE_READY);
}

static void epoll_stop_accept(struct io *io, struct io_op *op)
{
	if (op->engine.phase == PHASE_PARKED)
		make_ready((struct io_epoll *)io, op, PHASE_STOPPED);
	else if (op->engine.phase == PHASE_READY)
		op->engine.phase = PHASE_STOPPED;
}

/* Do it now; -EAGAIN if it would block. */
static ssize_t try(struct io_epoll *e, struct io_op *op)
{
	size_t window = op->len < WINDOW_MAX ? op->len : WINDOW_MAX;
	off_t offset = (off_t)op->offset;
	uint64_t count;
	ssize_t n = -1;

	switch (op->kind) {
	case IO_ACCEPT:
		n = accept4(op->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		break;
	case IO_RECV:
		op->bytes = e->bytes;
		n = recv(op->fd, e->bytes, sizeof(e->bytes), MSG_DONTWAIT);
		break;
	case IO_SEND:
		n = sendmsg(op->fd, op->msg,
			    MSG_NOSIGNAL | MSG_DONTWAIT | op->flags);
		break;
	case IO_SENDFILE:
		n = sendfile(op->fd, op->file_fd, &offset, window);
		if (n == 0)
			return -EIO;	/* the file has become shorter */
		break;
	case IO_OPEN:
		/* As op->how says; also where openat2(2) is forbidden. */
		return beneath_open(op->file_fd, op->path, (int)op->how->flags, 0);
	case IO_READ:
		n = pread(op->file_fd, op->buffer, op->len, offset);
		break;
	case IO_WAKE:
		n = read(op->fd, &count, sizeof(count));
		if (n > 0)
			n = 0;
		break;
	}
	return n < 0 ? -errno : n;
}

/* Wait for the descriptor of an operation; 0 or -errno. */
static int park(struct io_epoll *e, struct io_op *op)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		.data.ptr = op,
	};

	op->engine.phase = PHASE_PARKED;
	if (op->engine.registered)
		return 0;
	/* An edge that has passed already is reported by the registration. */
	if (epoll_ctl(e->epoll_fd, EPOLL_CTL_ADD, op->fd, &event) < 0)
		return -errno;
	op->engine.registered = true;
	return 0;
}

static void run(struct io_epoll *e, struct io_op *op)
{
	ssize_t res;
	int err;

	if (op->engine.phase == PHASE_STOPPED) {
		op->engine.phase = PHASE_IDLE;
		op->done(op, -ECANCELED);
		return;
	}
	res = try(e, op);
	if (res == -EINTR || (res == -ECONNABORTED && op->kind == IO_ACCEPT)) {
		make_ready(e, op, PHASE_READY);
		return;
	}
	if (res == -EAGAIN) {
		err = park(e, op);
		if (!err)
			return;
		res = err;
	}
	/* An accept goes on until it is stopped or fails. */
	if (op->kind == IO_ACCEPT && res >= 0)
		make_ready(e, op, PHASE_READY);
	else
		op->engine.phase = PHASE_IDLE;
	op->done(op, (int)res);
}

static int epoll_engine_wait(struct io *io, int timeout_ms)
{
	struct io_epoll *e = (struct io_epoll *)io;
	struct epoll_event events[N_EVENTS];
	int i, n;

	/* Somebody who was called has started what can go on at once. */
	if (e->ready)
		timeout_ms = 0;
	n = epoll_wait(e->epoll_fd, events, N_EVENTS, timeout_ms);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (i = 0; i < n; i++) {
		struct io_op *op = events[i].data.ptr;

		if (op->engine.phase == PHASE_PARKED)
			make_ready(e, op, PHASE_READY);
	}
	return 0;
}

static void epoll_engine_run(struct io *io)
{
	struct io_epoll *e = (struct io_epoll *)io;
	struct io_op *op = e->ready;

	/* What becomes ready meanwhile has its turn next time. */
	e->ready = NULL;
	e->ready_end = &e->ready;
	while (op) {
		struct io_op *next = op->engine.next;

		run(e, op);
		op = next;
	}
}

static void epoll_free(struct io *io)
{
	struct io_epoll *e = (struct io_epoll *)io;

	close(e->epoll_fd);
	free(e);
}

static const struct io_ops epoll_ops = {
	.name = "epoll",
	.start = epoll_start,
	.stop_accept = epoll_stop_accept,
	.wait = epoll_engine_wait,
	.run = epoll_engine_run,
	.free = epoll_free,
};

int io_epoll_new(struct io **ret)
{
	struct io_epoll *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->io.ops = &epoll_ops;
	e->ready_end = &e->ready;
	e->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (e->epoll_fd < 0) {
		int err = -errno;

		free(e);
		return err;
	}
	*ret = &e->io;
	return 0;
}
