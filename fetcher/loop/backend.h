/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of the loop: shared by loop.c, uring.c, epoll.c, pool.c. */
#ifndef FETCHER_LOOP_BACKEND_H
#define FETCHER_LOOP_BACKEND_H

#include <liburing.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "cache/base/container_of.h"
#include "fetcher/loop/loop.h"

#define LOOP_FOREVER	UINT64_MAX

/*
 * What waits for events: io_uring, or epoll.
 *
 * poll_start sets lfd->poll; a poll outlives its loop_fd for as long as the
 * kernel or the running round still knows it, which is why it is allocated apart.
 */
struct loop_backend {
	int (*open)(struct loop *loop);
	void (*close)(struct loop *loop);
	int (*poll_start)(struct loop *loop, struct loop_fd *lfd);
	int (*poll_modify)(struct loop *loop, struct loop_fd *lfd);
	void (*poll_stop)(struct loop *loop, struct loop_fd *lfd);
	void (*submit_op)(struct loop *loop, struct loop_op *op);
	/* Sleep for at most @ms, then call what is ready.  0 or -errno. */
	int (*wait)(struct loop *loop, uint64_t ms);
};

extern const struct loop_backend loop_uring;
extern const struct loop_backend loop_epoll;

struct loop_poll {
	struct loop_fd *owner;	/* NULL: stopped */
	bool armed;		/* io_uring: the kernel has it */
	bool calling;		/* io_uring: the owner's callback runs */
	LIST_ENTRY(loop_poll) entry;
};

struct loop_pool;
TAILQ_HEAD(loop_deferred_list, loop_deferred);
LIST_HEAD(loop_poll_list, loop_poll);

struct loop {
	const struct loop_backend *backend;
	struct io_uring ring;
	int epoll_fd;
	struct loop_poll_list polls;
	/* epoll: stopped, but perhaps among the events of the running round */
	struct loop_poll_list dead_polls;

	uint64_t now_ms;	/* clock_ms - lost_ms */
	uint64_t clock_ms;	/* as it was read last */
	uint64_t lost_ms;	/* in which the loop could not run */
	uint64_t suspended_ms;	/* the machine, since its start */
	unsigned int n_pauses;
	uint64_t sleep_ms;	/* how long the running wait may take */
	bool running;		/* inside loop_run() */
	bool stopping;		/* loop_stop() was called */
	bool closing;		/* loop_free() runs: only I/O and work matter */
	size_t n_pending;	/* ops and work submitted, not called back yet */

	struct loop_timer *timers;	/* the earliest; the rest hangs below it */
	size_t n_timers;
	struct loop_deferred_list deferred;
	size_t n_deferred;

	struct loop_pool *pool;
	struct loop_fd pool_fd;
};

/** loop_update_now() - read the clock, after a sleep of up to ->sleep_ms */
void loop_update_now(struct loop *loop);

/** loop_poll_new() - a poll of @lfd, which it sets; NULL without memory */
struct loop_poll *loop_poll_new(struct loop *loop, struct loop_fd *lfd);

/** loop_poll_free() - forget a poll */
void loop_poll_free(struct loop_poll *poll);

/* May callbacks of descriptors still be called in this round? */
static inline bool loop_may_call(const struct loop *loop,
				 const struct loop_fd *lfd)
{
	return !loop->closing || lfd == &loop->pool_fd;
}

/**
 * loop_pool_new() - start threads
 * @n_threads: how many
 * @ret: the pool, owned by the caller; untouched on failure
 * @ret_fd: eventfd that is readable when work is done; borrowed
 *
 * Return: 0 or -errno.
 */
int loop_pool_new(unsigned int n_threads, struct loop_pool **ret, int *ret_fd);

/** loop_pool_free() - join the threads; all work has been collected */
void loop_pool_free(struct loop_pool *pool);

/** loop_pool_submit() - queue work */
void loop_pool_submit(struct loop_pool *pool, struct loop_work *work);

STAILQ_HEAD(loop_work_list, loop_work);

/** loop_pool_collect() - take all work that is done, in order */
void loop_pool_collect(struct loop_pool *pool, struct loop_work_list *ret);

#endif /* FETCHER_LOOP_BACKEND_H */
