/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop: one thread, one io_uring.
 *
 *	what			becomes ready through
 *	descriptors		one-shot polls of the ring, re-armed after each call
 *	writes to files		requests of the ring
 *	timers			the timeout of the ring's wait
 *	work (hash, seal)	a pool of threads; an eventfd polled like any other
 *	deferred calls		run before the loop sleeps
 *
 * Where io_uring is forbidden (seccomp, kernel.io_uring_disabled, or
 * LOOP_NO_IO_URING) the same calls work on epoll, and writes are made on the pool.
 *
 * Ownership: loop_new() gives the caller a loop to loop_free().  The structs
 * below are the caller's; the loop borrows one from its start or submit call
 * until its callback (or its stop call), and no longer: a callback may free its
 * own struct.  Every callback runs on the loop's thread, from loop_run(), never
 * from inside another call of this header; the one exception is loop_work.run.
 *
 * Threads: make the loop on the thread that runs it, after any fork(); all
 * calls are made on that thread, except where it says otherwise.
 *
 * Times are milliseconds in which the loop could run: CLOCK_MONOTONIC, less the
 * pauses in which it was stopped (SIGSTOP, a frozen cgroup, a paused guest) or kept
 * busy by one callback.  A suspended machine has no time at all, and setting the wall
 * clock changes nothing.  So a deadline never passes while nothing could be done to meet it.
 * A pause is noticed if it is longer than half a second, and of each at most
 * 1.5 s count as time; all of it while no timer runs.
 */
#ifndef FETCHER_LOOP_LOOP_H
#define FETCHER_LOOP_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <sys/uio.h>

struct loop;
struct loop_poll;

enum {
	LOOP_NO_IO_URING = 1 << 0,	/* as if the kernel refused it */
};

/**
 * loop_new() - make a loop
 * @flags: LOOP_NO_IO_URING or 0; the environment variable CFS_NO_IO_URING, if
 *	set to anything but "" or "0", does the same
 * @n_threads: size of the work pool; 0 for the default
 * @ret: the loop, owned by the caller; untouched on failure
 *
 * Pool threads start with all signals blocked.
 *
 * Return: 0, -ENOMEM, -EMFILE, -EAGAIN (no thread) or -errno.
 */
int loop_new(unsigned int flags, unsigned int n_threads, struct loop **ret);

/**
 * loop_free() - end the pool and the loop; NULL is allowed
 *
 * Waits for work and writes that were submitted and runs its callbacks; drops
 * timers, descriptors and deferred calls without calling them.
 */
void loop_free(struct loop *loop);

/** loop_uses_io_uring() - false in the fallback */
bool loop_uses_io_uring(const struct loop *loop);

/**
 * loop_run() - call callbacks until loop_stop()
 *
 * May be called again after it returned.
 *
 * Return: 0, or -errno if the kernel refused to wait.
 */
int loop_run(struct loop *loop);

/** loop_stop() - let loop_run() return after the callback that runs now */
void loop_stop(struct loop *loop);

/**
 * loop_now_ms() - the loop's time, read once for each round of the loop
 *
 * Between two loop_run()s, where other work may take minutes, read at each call.
 */
uint64_t loop_now_ms(const struct loop *loop);

/** loop_pauses() - how often the loop could not run, or the machine was suspended */
unsigned int loop_pauses(const struct loop *loop);

/**
 * struct loop_fd - a descriptor that is watched
 * @ready: called while one of the events is true (level-triggered)
 *	@events: EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP
 */
struct loop_fd {
	void (*ready)(struct loop_fd *lfd, uint32_t events);
	/* private: */
	int fd;
	uint32_t events;
	struct loop_poll *poll;
};

/**
 * loop_fd_start() - watch a descriptor
 * @loop: the loop
 * @lfd: its ready is set by the caller; not being watched
 * @fd: the descriptor; borrowed until loop_fd_stop(), which comes before close()
 * @events: EPOLLIN, EPOLLOUT or both
 *
 * Return: 0, -ENOMEM, or -ENOSPC or -EPERM from epoll.
 */
int loop_fd_start(struct loop *loop, struct loop_fd *lfd, int fd,
		  uint32_t events);

/** loop_fd_modify() - watch for other events from now on; 0 for none */
int loop_fd_modify(struct loop *loop, struct loop_fd *lfd, uint32_t events);

/** loop_fd_stop() - @lfd's callback will not come any more; idempotent */
void loop_fd_stop(struct loop *loop, struct loop_fd *lfd);

/**
 * struct loop_timer - something to do later; zeroed before its first start
 * @expired: called once for each start
 */
struct loop_timer {
	void (*expired)(struct loop_timer *timer);
	/* private: */
	uint64_t at_ms;
	bool running;
	struct loop_timer *child, *next, *prev;
};

/**
 * loop_timer_start() - call @timer->expired in @ms milliseconds
 *
 * Moves a timer that is running.
 */
void loop_timer_start(struct loop *loop, struct loop_timer *timer,
		      uint64_t ms);

/** loop_timer_stop() - @timer's callback will not come any more; idempotent */
void loop_timer_stop(struct loop *loop, struct loop_timer *timer);

/** loop_timer_running() - started, and not expired or stopped yet */
static inline bool loop_timer_running(const struct loop_timer *timer)
{
	return timer->running;
}

/**
 * struct loop_work - something to do on another thread
 * @run: called on a thread of the pool; may block on disk, never on the network
 * @done: called on the loop's thread after @run has returned
 * @first: somebody waits for it: it begins before all work that is not
 */
struct loop_work {
	void (*run)(struct loop_work *work);
	void (*done)(struct loop_work *work);
	bool first;
	/* private: */
	STAILQ_ENTRY(loop_work) entry;
};

/** loop_work_submit() - queue work; begun in the order of submission, but see @first */
void loop_work_submit(struct loop *loop, struct loop_work *work);

/**
 * struct loop_op - one write to a file
 * @complete: called once
 *	@res: bytes written, or -errno
 */
struct loop_op {
	void (*complete)(struct loop_op *op, int res);
	/* private: */
	struct loop_work work;
	int fd;
	int res;
	const struct iovec *pieces;
	unsigned int n_pieces;
	off_t offset;
};

/**
 * loop_write() - write to a file; may come back short
 * @loop: the loop
 * @op: complete is set by the caller
 * @fd: borrowed until complete
 * @pieces: as of pwritev(2); borrowed until complete
 * @n: of them, at most IOV_MAX
 * @offset: in the file
 */
void loop_write(struct loop *loop, struct loop_op *op, int fd,
		const struct iovec *pieces, unsigned int n, off_t offset);

/** struct loop_deferred - a call made soon; zeroed before its first use */
struct loop_deferred {
	void (*call)(struct loop_deferred *deferred);
	/* private: */
	TAILQ_ENTRY(loop_deferred) entry;
	bool queued;
};

/**
 * loop_defer() - call @deferred->call once, before the loop sleeps
 *
 * A call that is already queued stays where it is.
 */
void loop_defer(struct loop *loop, struct loop_deferred *deferred);

/** loop_undefer() - the call will not come any more; idempotent */
void loop_undefer(struct loop *loop, struct loop_deferred *deferred);

#endif /* FETCHER_LOOP_LOOP_H */
