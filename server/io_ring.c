// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The io_uring engine.
 *
 * Sockets stay blocking: io_uring waits for them by itself.  Bytes are received
 * into a ring of buffers shared by all connections of the thread, so that an
 * idle connection holds none.
 *
 * IO_SENDFILE has no request of its own in io_uring (splice would take a kernel
 * thread for each slow client), so it is done in steps:
 *
 *	        cold                 warm
 *	start -------> WARM -----------------> try sendfile(), without waiting
 *	   |                                      |  ^
 *	   +--------------------------------------+  | room
 *	                                 no room  v  |
 *	                                          POLL
 *
 *	WARM	the kernel reads the window's pages in; the ring waits for them
 *	POLL	the ring waits for room in the socket
 */
#include "server/io.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#include "cache/base/cleanup.h"

#define N_ENTRIES	512
#define N_COMPLETIONS	8192
#define N_BUFFERS	512	/* a power of two */
#define BUFFER_LEN	4096
#define BUFFER_GROUP	0

/* More than this is not handed to one sendfile(): others wait meanwhile. */
#define WINDOW_MAX	(1u << 20)

enum phase {
	PHASE_START,
	PHASE_WARM,
	PHASE_POLL,
};

struct io_ring {
	struct io io;
	struct io_uring ring;
	struct io_uring_buf_ring *buffers;
	char *bytes;			/* N_BUFFERS times BUFFER_LEN */
	struct io_op *ready;		/* complete already, results in scratch */
	struct io_op *retry;		/* found no buffer or no room: begin anew */
};

static void ring_start(struct io *io, struct io_op *op);

/* Is there room for a request?  A full queue is handed over to the kernel. */
static bool have_room(struct io_ring *r)
{
	return io_uring_sq_space_left(&r->ring) > 0 ||
	       (io_uring_submit(&r->ring) > 0 &&
		io_uring_sq_space_left(&r->ring) > 0);
}

static void begin_anew_later(struct io_ring *r, struct io_op *op)
{
	op->engine.next = r->retry;
	r->retry = op;
}

static void complete_later(struct io_ring *r, struct io_op *op, int res)
{
	op->engine.scratch = (uint64_t)(int64_t)res;
	op->engine.next = r->ready;
	r->ready = op;
}

static void start_recv(struct io_ring *r, struct io_op *op)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&r->ring);

	io_uring_prep_recv(sqe, op->fd, NULL, BUFFER_LEN, 0);
	io_uring_sqe_set_data(sqe, op);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = BUFFER_GROUP;
}

/* sendfile() that takes what fits; the socket is blocking otherwise. */
static int sendfile_now(struct io_op *op)
{
	size_t len = op->len < WINDOW_MAX ? op->len : WINDOW_MAX;
	off_t offset = (off_t)op->offset;
	ssize_t n;

	if (fcntl(op->fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return -errno;
	n = sendfile(op->fd, op->file_fd, &offset, len);
	if (n < 0)
		n = -errno;
	if (fcntl(op->fd, F_SETFL, O_RDWR) < 0)
		return -errno;
	return (int)n;
}

/* Would sendfile() of the next window have to wait for the disk? */
static bool is_cold(struct io_op *op)
{
	size_t len = op->len < WINDOW_MAX ? op->len : WINDOW_MAX;
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };

	/* File systems that can't tell say EOPNOTSUPP: take that for warm. */
	if (preadv2(op->file_fd, &iov, 1, (off_t)op->offset, RWF_NOWAIT) < 0 &&
	    errno == EAGAIN)
		return true;
	return preadv2(op->file_fd, &iov, 1, (off_t)(op->offset + len - 1),
		       RWF_NOWAIT) < 0 && errno == EAGAIN;
}

static void wait_for_pages(struct io_ring *r, struct io_op *op)
{
	size_t len = op->len < WINDOW_MAX ? op->len : WINDOW_MAX;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&r->ring);

	posix_fadvise(op->file_fd, (off_t)op->offset, (off_t)len,
		      POSIX_FADV_WILLNEED);
	op->engine.phase = PHASE_WARM;
	/* Its last byte comes when all of the window was asked for. */
	io_uring_prep_read(sqe, op->file_fd, &op->engine.scratch, 1,
			   op->offset + len - 1);
	io_uring_sqe_set_data(sqe, op);
}

/* 0 if the operation goes on, else its result */
static int step_sendfile(struct io_ring *r, struct io_op *op)
{
	struct io_uring_sqe *sqe;
	int res;

	if (op->engine.phase == PHASE_START && is_cold(op)) {
		wait_for_pages(r, op);
		return 0;
	}
	res = sendfile_now(op);
	if (res == 0)
		return -EIO;	/* the file has become shorter */
	if (res != -EAGAIN)
		return res;
	op->engine.phase = PHASE_POLL;
	sqe = io_uring_get_sqe(&r->ring);
	io_uring_prep_poll_add(sqe, op->fd, POLLOUT);
	io_uring_sqe_set_data(sqe, op);
	return 0;
}

static void ring_start(struct io *io, struct io_op *op)
{
	struct io_ring *r = (struct io_ring *)io;
	struct io_uring_sqe *sqe;
	int res;

	if (!have_room(r)) {
		begin_anew_later(r, op);
		return;
	}
	switch (op->kind) {
	case IO_ACCEPT:
		fcntl(op->fd, F_SETFL, O_RDWR);
		sqe = io_uring_get_sqe(&r->ring);
		io_uring_prep_multishot_accept(sqe, op->fd, NULL, NULL,
					       SOCK_CLOEXEC);
		io_uring_sqe_set_data(sqe, op);
		break;
	case IO_RECV:
		start_recv(r, op);
		break;
	case IO_SEND:
		sqe = io_uring_get_sqe(&r->ring);
		io_uring_prep_sendmsg(sqe, op->fd, op->msg,
				      MSG_NOSIGNAL | (unsigned int)op->flags);
		io_uring_sqe_set_data(sqe, op);
		break;
	case IO_SENDFILE:
		op->engine.phase = PHASE_START;
		res = step_sendfile(r, op);
		if (res)
			complete_later(r, op, res);
		break;
	case IO_OPEN:
		sqe = io_uring_get_sqe(&r->ring);
		io_uring_prep_openat2(sqe, op->file_fd, op->path,
				      (struct open_how *)op->how);
		io_uring_sqe_set_data(sqe, op);
		break;
	case IO_READ:
		sqe = io_uring_get_sqe(&r->ring);
		io_uring_prep_read(sqe, op->file_fd, op->buffer,
				   (unsigned int)op->len, op->offset);
		io_uring_sqe_set_data(sqe, op);
		break;
	case IO_WAKE:
		fcntl(op->fd, F_SETFL, O_RDWR);
		sqe = io_uring_get_sqe(&r->ring);
		io_uring_prep_read(sqe, op->fd, &op->engine.scratch,
				   sizeof(op->engine.scratch), 0);
		io_uring_sqe_set_data(sqe, op);
		break;
	}
}

static void return_buffer(struct io_ring *r, unsigned int id)
{
	io_uring_buf_ring_add(r->buffers, r->bytes + (size_t)id * BUFFER_LEN,
			      BUFFER_LEN, (unsigned short)id,
			      io_uring_buf_ring_mask(N_BUFFERS), 0);
	io_uring_buf_ring_advance(r->buffers, 1);
}

static void complete_recv(struct io_ring *r, struct io_op *op, int res,
			  unsigned int flags)
{
	unsigned int id = flags >> IORING_CQE_BUFFER_SHIFT;
	bool has_buffer = flags & IORING_CQE_F_BUFFER;

	if (res == -ENOBUFS) {
		begin_anew_later(r, op);
		return;
	}
	op->bytes = has_buffer ? r->bytes + (size_t)id * BUFFER_LEN : NULL;
	op->done(op, res);
	if (has_buffer)
		return_buffer(r, id);
}

static void complete(struct io_ring *r, struct io_op *op, int res,
		     unsigned int flags)
{
	switch (op->kind) {
	case IO_RECV:
		complete_recv(r, op, res, flags);
		return;
	case IO_ACCEPT:
		op->done(op, res);
		/* Some errors of one client end the multishot request. */
		if (res >= 0 && !(flags & IORING_CQE_F_MORE))
			ring_start(&r->io, op);
		return;
	case IO_SENDFILE:
		if (!have_room(r)) {
			begin_anew_later(r, op);
			return;
		}
		/* Errors of WARM and POLL are met again by sendfile(). */
		res = step_sendfile(r, op);
		if (res)
			op->done(op, res);
		return;
	case IO_WAKE:
		op->done(op, res < 0 ? res : 0);
		return;
	case IO_SEND:
	case IO_OPEN:
	case IO_READ:
		op->done(op, res);
		return;
	}
}

static void run_ready(struct io_ring *r)
{
	struct io_op *op = r->ready;
	struct io_op *retry = r->retry;

	r->ready = NULL;
	while (op) {
		struct io_op *next = op->engine.next;

		op->done(op, (int)(int64_t)op->engine.scratch);
		op = next;
	}
	r->retry = NULL;
	while (retry) {
		struct io_op *next = retry->engine.next;

		ring_start(&r->io, retry);
		retry = next;
	}
}

static void ring_stop_accept(struct io *io, struct io_op *op)
{
	struct io_ring *r = (struct io_ring *)io;
	struct io_uring_sqe *sqe;

	while (!have_room(r))
		;
	sqe = io_uring_get_sqe(&r->ring);
	io_uring_prep_cancel(sqe, op, 0);
	io_uring_sqe_set_data(sqe, NULL);
}

/*
 * Completions are copied out before their owners hear of them: what they start
 * may make the kernel want room in the queue.
 */
static void run_completions(struct io_ring *r)
{
	struct io_uring_cqe *cqes[64];
	struct {
		struct io_op *op;
		int res;
		unsigned int flags;
	} batch[64];
	unsigned int n, i;

	while ((n = io_uring_peek_batch_cqe(&r->ring, cqes, 64)) > 0) {
		for (i = 0; i < n; i++) {
			batch[i].op = io_uring_cqe_get_data(cqes[i]);
			batch[i].res = cqes[i]->res;
			batch[i].flags = cqes[i]->flags;
		}
		io_uring_cq_advance(&r->ring, n);
		for (i = 0; i < n; i++)
			if (batch[i].op)	/* not that of a cancellation */
				complete(r, batch[i].op, batch[i].res,
					 batch[i].flags);
		if (n < 64)
			break;
	}
}

static int ring_wait(struct io *io, int timeout_ms)
{
	struct io_ring *r = (struct io_ring *)io;
	struct __kernel_timespec timeout;
	struct io_uring_cqe *cqe;
	int err;

	/* Somebody who was called has started what can go on at once. */
	if (r->ready || r->retry)
		timeout_ms = 0;
	timeout.tv_sec = timeout_ms / 1000;
	timeout.tv_nsec = timeout_ms % 1000 * 1000000ll;
	err = io_uring_submit_and_wait_timeout(&r->ring, &cqe, 1,
					       timeout_ms < 0 ? NULL : &timeout,
					       NULL);
	/* EBUSY, EAGAIN: the kernel wants completions taken or memory freed. */
	if (err < 0 && err != -ETIME && err != -EINTR && err != -EBUSY &&
	    err != -EAGAIN)
		return err;
	return 0;
}

static void ring_run(struct io *io)
{
	struct io_ring *r = (struct io_ring *)io;

	run_completions(r);
	run_ready(r);
}

static void ring_free(struct io *io)
{
	struct io_ring *r = (struct io_ring *)io;

	io_uring_queue_exit(&r->ring);
	munmap(r->buffers, N_BUFFERS * sizeof(struct io_uring_buf));
	free(r->bytes);
	free(r);
}

static const struct io_ops ring_ops = {
	.name = "io_uring",
	.start = ring_start,
	.stop_accept = ring_stop_accept,
	.wait = ring_wait,
	.run = ring_run,
	.free = ring_free,
};

/* The newest way to run a ring that this kernel knows. */
static int set_up_ring(struct io_uring *ring)
{
	static const unsigned int flags[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		IORING_SETUP_COOP_TASKRUN,
		0,
	};
	size_t i;
	int err = -EINVAL;

	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		struct io_uring_params params = {
			.flags = flags[i] | IORING_SETUP_CQSIZE |
				 IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL,
			.cq_entries = N_COMPLETIONS,
		};

		err = io_uring_queue_init_params(N_ENTRIES, ring, &params);
		if (err != -EINVAL)
			break;
	}
	return err;
}

static int set_up_buffers(struct io_ring *r)
{
	struct io_uring_buf_reg reg = {
		.ring_entries = N_BUFFERS,
		.bgid = BUFFER_GROUP,
	};
	unsigned int i;
	int err;

	reg.ring_addr = (unsigned long)r->buffers;
	err = io_uring_register_buf_ring(&r->ring, &reg, 0);
	if (err)
		return err;
	io_uring_buf_ring_init(r->buffers);
	for (i = 0; i < N_BUFFERS; i++)
		return_buffer(r, i);
	return 0;
}

int io_ring_new(struct io **ret)
{
	CLEANUP_FREE struct io_ring *r = calloc(1, sizeof(*r));
	CLEANUP_FREE char *bytes = malloc((size_t)N_BUFFERS * BUFFER_LEN);
	int err;

	if (!r || !bytes)
		return -ENOMEM;
	r->io.ops = &ring_ops;
	r->bytes = bytes;
	r->buffers = mmap(NULL, N_BUFFERS * sizeof(struct io_uring_buf),
			  PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE,
			  -1, 0);
	if (r->buffers == MAP_FAILED)
		return -errno;
	err = set_up_ring(&r->ring);
	if (!err) {
		err = set_up_buffers(r);
		if (err)
			io_uring_queue_exit(&r->ring);
	}
	if (err) {
		munmap(r->buffers, N_BUFFERS * sizeof(struct io_uring_buf));
		return err;
	}
	io_uring_register_ring_fd(&r->ring);
	*ret = &r->io;
	take_ptr(bytes);
	take_ptr(r);
	return 0;
}
