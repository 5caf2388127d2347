/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a worker waits for: one thread's asynchronous operations.
 *
 * Two engines do the same: io_ring.c on io_uring, and io_epoll.c on readiness
 * and plain calls, for machines where io_uring is forbidden or too old.
 *
 * Ownership: io_new() gives the caller an engine to io_free().  An operation
 * belongs to its owner, who leaves it and everything it points to in place from
 * io_start() until ->done() is called.
 *
 *	- ->done() is called exactly once for each io_start() (IO_ACCEPT: see
 *	  there), from io_run() and never from inside io_start().  It may start
 *	  the same operation again, start others, or free the operation.
 *	- A socket is always used with the same operation, one request at a time.
 *	- shutdown() on a connection makes what waits on it complete; a listening
 *	  socket may not be ours alone, and has io_stop_accept() instead.
 *
 * Single-threaded: an engine and its operations stay on the thread that called
 * io_new().
 */
#ifndef SERVER_IO_H
#define SERVER_IO_H

#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct io;
struct io_op;

enum io_kind {
	IO_ACCEPT,	/* res: a connected socket, once for each, until an
			 * error is the last res; its owner starts it again */
	IO_RECV,	/* res: number of bytes at ->bytes; 0 at the end */
	IO_SEND,	/* res: bytes of ->msg that were taken, often not all */
	IO_SENDFILE,	/* res: bytes of ->file_fd that were taken, ditto */
	IO_OPEN,	/* res: a descriptor, the owner's from now on */
	IO_READ,	/* res: number of bytes now at ->buffer */
	IO_WAKE,	/* res: 0; the event counter ->fd had been raised */
};

/**
 * struct io_op - one operation
 * @done: gets the result, or -errno
 * @kind: what to do; with it go:
 *	IO_ACCEPT	@fd, a listening socket; whether it blocks is the engine's
 *	IO_RECV		@fd; afterwards @bytes, valid until @done returns
 *	IO_SEND		@fd, @msg, @flags (MSG_MORE or 0)
 *	IO_SENDFILE	@fd, @file_fd, @offset, @len
 *	IO_OPEN		@file_fd (a folder), @path, @how
 *	IO_READ		@file_fd, @buffer, @len, @offset
 *	IO_WAKE		@fd, an eventfd
 * @engine: the engine's own; zero before the first io_start()
 */
struct io_op {
	void (*done)(struct io_op *op, int res);
	enum io_kind kind;
	int fd;
	int file_fd;
	int flags;
	const struct msghdr *msg;
	const char *path;
	const struct open_how *how;
	void *buffer;
	const char *bytes;
	uint64_t offset;
	size_t len;
	struct {
		struct io_op *next;
		bool registered;
		uint8_t phase;
		uint64_t scratch;
	} engine;
};

enum io_engine {
	IO_ENGINE_AUTO,		/* io_uring if it can be had, else epoll */
	IO_ENGINE_RING,
	IO_ENGINE_EPOLL,
};

/* What an engine provides; filled in by io_ring.c and io_epoll.c. */
struct io_ops {
	const char *name;
	void (*start)(struct io *io, struct io_op *op);
	void (*stop_accept)(struct io *io, struct io_op *op);
	int (*wait)(struct io *io, int timeout_ms);
	void (*run)(struct io *io);
	void (*free)(struct io *io);
};

struct io {
	const struct io_ops *ops;
};

/**
 * io_new() - make the calling thread's engine
 * @engine: which one
 * @ret: the engine, owned by the caller; untouched on failure
 *
 * Return: 0, -ENOMEM, -EMFILE; for IO_ENGINE_RING also why there is none:
 * -ENOSYS, -EPERM (forbidden by seccomp or kernel.io_uring_disabled), -EINVAL
 * (kernel before 5.19).
 */
int io_new(enum io_engine engine, struct io **ret);

/** io_free() - NULL is allowed; operations under way are dropped, not called */
static inline void io_free(struct io *io)
{
	if (io)
		io->ops->free(io);
}

/** io_start() - begin an operation; failures arrive at ->done() too */
static inline void io_start(struct io *io, struct io_op *op)
{
	io->ops->start(io, op);
}

/** io_stop_accept() - make a waiting IO_ACCEPT end, with -ECANCELED */
static inline void io_stop_accept(struct io *io, struct io_op *op)
{
	io->ops->stop_accept(io, op);
}

/**
 * io_wait() - wait for something to complete
 * @timeout_ms: return after this many milliseconds; -1 never
 *
 * Calls nobody: the caller can look at the clock before io_run().
 *
 * Return: 0, also after the time, or -errno if the engine is broken.
 */
static inline int io_wait(struct io *io, int timeout_ms)
{
	return io->ops->wait(io, timeout_ms);
}

/** io_run() - call ->done() of what has completed */
static inline void io_run(struct io *io)
{
	io->ops->run(io);
}

/* For io_new() only. */
int io_ring_new(struct io **ret);
int io_epoll_new(struct io **ret);

#endif /* SERVER_IO_H */
