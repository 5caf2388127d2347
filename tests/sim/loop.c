// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Time, threads and writes below the engine's real loop (fetcher/loop/loop.c): in the
 * place of uring.c, epoll.c and pool.c.
 *
 * A job of the pool takes two events: at the first it runs, at the second it is told.
 * So whatever the loop does may come before, between and after them, and jobs
 * overtake each other as on many threads.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

#include "cache/base/container_of.h"
#include "fetcher/loop/backend.h"
#include "tests/sim/sim.h"

#define START_MS	1000000
#define EVENTS_MAX	4096
/* So many steps at one time are a loop without end. */
#define SPIN_MAX	20000

static uint64_t now_ms;
static struct sim_event *heap[EVENTS_MAX + 1];
static size_t n_events;
static unsigned int n_busy;
static uint64_t last_ms, moved_step;

/* ---- events: a binary heap, the next one at 1 ---- */

static bool before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void put(size_t place, struct sim_event *event)
{
	heap[place] = event;
	event->place = place;
}

static void rise(struct sim_event *event, size_t place)
{
	for (; place > 1 && before(event, heap[place / 2]); place /= 2)
		put(place, heap[place / 2]);
	put(place, event);
}

static void sink(struct sim_event *event, size_t place)
{
	size_t child;

	while ((child = 2 * place) <= n_events) {
		if (child < n_events && before(heap[child + 1], heap[child]))
			child++;
		if (!before(heap[child], event))
			break;
		put(place, heap[child]);
		place = child;
	}
	put(place, event);
}

void sim_event_stop(struct sim_event *event)
{
	struct sim_event *last = heap[n_events];
	size_t place = event->place;

	if (!place)
		return;
	event->place = 0;
	n_events--;
	if (event == last)
		return;
	rise(last, place);
	sink(last, last->place);
}

void sim_event_start(struct sim_event *event, uint64_t ms)
{
	sim_event_stop(event);
	SIM_CHECK(n_events < EVENTS_MAX);
	event->at_ms = now_ms + ms;
	event->order = sim_random();
	rise(event, ++n_events);
}

size_t sim_events_left(void)
{
	return n_events;
}

void sim_loop_reset(void)
{
	SIM_CHECK(n_events == 0);
	now_ms = START_MS;
	last_ms = 0;
	moved_step = 0;
	n_busy = 0;
}

unsigned int sim_loop_busy(void)
{
	return n_busy;
}

uint64_t sim_now_ms(void)
{
	return now_ms;
}

/* ---- the clock ---- */

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left);

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
	(void)clock;
	ret->tv_sec = (time_t)(now_ms / 1000);
	ret->tv_nsec = (long)(now_ms % 1000) * 1000000;
	return 0;
}

int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
	(void)time;
	(void)left;
	return 0;
}

/* How long something takes that the disk does. */
static uint64_t disk_ms(void)
{
	return sim_chance(50) ? sim_between(10, 1500) : sim_below(4);
}

/* ---- the pool ---- */

struct loop_pool {
	struct loop_work_list first, todo, done;
	unsigned int n_threads, n_running;
	struct sim_event tell;
	struct loop_fd *lfd;
};

struct job {
	struct sim_event event;
	struct loop_pool *pool;
	struct loop_work *work;
	bool ran;
};

static struct loop_pool *the_pool;

static void start_jobs(struct loop_pool *pool);

static void tell(struct sim_event *event)
{
	struct loop_pool *pool = container_of(event, struct loop_pool, tell);

	pool->lfd->ready(pool->lfd, EPOLLIN);
}

static void job_fire(struct sim_event *event)
{
	struct job *job = container_of(event, struct job, event);
	struct loop_pool *pool = job->pool;

	if (!job->ran) {
		job->ran = true;
		job->work->run(job->work);
		sim_event_start(&job->event, disk_ms());
		return;
	}
	STAILQ_INSERT_TAIL(&pool->done, job->work, entry);
	pool->n_running--;
	if (!pool->tell.place)
		sim_event_start(&pool->tell, 0);
	free(job);
	start_jobs(pool);
}

static void start_jobs(struct loop_pool *pool)
{
	while (pool->n_running < pool->n_threads) {
		struct loop_work_list *list = STAILQ_EMPTY(&pool->first) ?
						      &pool->todo : &pool->first;
		struct job *job;

		if (STAILQ_EMPTY(list))
			return;
		job = calloc(1, sizeof(*job));
		SIM_CHECK(job);
		job->pool = pool;
		job->work = STAILQ_FIRST(list);
		STAILQ_REMOVE_HEAD(list, entry);
		job->event.fire = job_fire;
		pool->n_running++;
		sim_event_start(&job->event, disk_ms());
	}
}

int loop_pool_new(unsigned int n_threads, struct loop_pool **ret, int *ret_fd)
{
	struct loop_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return -ENOMEM;
	STAILQ_INIT(&pool->first);
	STAILQ_INIT(&pool->todo);
	STAILQ_INIT(&pool->done);
	pool->n_threads = n_threads;
	pool->tell.fire = tell;
	the_pool = pool;
	*ret = pool;
	*ret_fd = -1;
	return 0;
}

void loop_pool_free(struct loop_pool *pool)
{
	SIM_CHECK(pool->n_running == 0 && STAILQ_EMPTY(&pool->done));
	free(pool);
}

void loop_pool_submit(struct loop_pool *pool, struct loop_work *work)
{
	n_busy++;
	if (work->first)
		STAILQ_INSERT_TAIL(&pool->first, work, entry);
	else
		STAILQ_INSERT_TAIL(&pool->todo, work, entry);
	start_jobs(pool);
}

void loop_pool_collect(struct loop_pool *pool, struct loop_work_list *ret)
{
	const struct loop_work *work;

	STAILQ_INIT(ret);
	STAILQ_CONCAT(ret, &pool->done);
	STAILQ_FOREACH(work, ret, entry)
		n_busy--;
}

/* ---- the backend ---- */

struct write {
	struct sim_event event;
	struct loop *loop;
	struct loop_op *op;
};

static void write_fire(struct sim_event *event)
{
	struct write *write = container_of(event, struct write, event);
	struct loop *loop = write->loop;
	struct loop_op *op = write->op;

	free(write);
	n_busy--;
	loop->n_pending--;
	op->complete(op, sim_disk_writev(op->fd, op->pieces, op->n_pieces,
					 op->offset));
}

static void sim_submit_op(struct loop *loop, struct loop_op *op)
{
	struct write *write = calloc(1, sizeof(*write));

	SIM_CHECK(write);
	write->event.fire = write_fire;
	write->loop = loop;
	write->op = op;
	n_busy++;
	sim_event_start(&write->event, disk_ms());
}

static int sim_open(struct loop *loop)
{
	(void)loop;
	return 0;
}

static void sim_close(struct loop *loop)
{
	(void)loop;
}

static int sim_poll_start(struct loop *loop, struct loop_fd *lfd)
{
	/* Of the engine only the pool has a descriptor. */
	SIM_CHECK(lfd == &loop->pool_fd);
	the_pool->lfd = lfd;
	return 0;
}

static int sim_poll_modify(struct loop *loop, struct loop_fd *lfd)
{
	(void)loop;
	(void)lfd;
	abort();
}

static void sim_poll_stop(struct loop *loop, struct loop_fd *lfd)
{
	(void)loop;
	(void)lfd;
}

static void take_event(struct loop *loop)
{
	struct sim_event *event = heap[1];

	if (event->at_ms > now_ms)
		now_ms = event->at_ms;
	loop_update_now(loop);
	sim_event_stop(event);
	sim.steps++;
	event->fire(event);
}

/* One step, or several that the kernel reports together; or the next timer's time. */
static int sim_wait(struct loop *loop, uint64_t ms)
{
	uint64_t until_ms = ms == LOOP_FOREVER ? UINT64_MAX : now_ms + ms;

	if (n_events && heap[1]->at_ms <= until_ms) {
		do {
			take_event(loop);
		} while (n_events && heap[1]->at_ms <= now_ms &&
			 !loop->stopping && sim_chance(3));
	} else {
		if (until_ms == UINT64_MAX)
			sim_fail("nothing will ever happen any more");
		now_ms = until_ms;
		loop_update_now(loop);
		sim.steps++;
	}
	if (now_ms != last_ms) {
		last_ms = now_ms;
		moved_step = sim.steps;
	} else if (sim.steps > moved_step + SPIN_MAX) {
		sim_fail("the loop turns and turns, and time stands still");
	}
	if (!loop->closing)
		sim_check_step();
	return 0;
}

const struct loop_backend loop_uring = {
	.open = sim_open,
	.close = sim_close,
	.poll_start = sim_poll_start,
	.poll_modify = sim_poll_modify,
	.poll_stop = sim_poll_stop,
	.submit_op = sim_submit_op,
	.wait = sim_wait,
};

const struct loop_backend loop_epoll = {
	.open = sim_open,
	.close = sim_close,
	.poll_start = sim_poll_start,
	.poll_modify = sim_poll_modify,
	.poll_stop = sim_poll_stop,
	.submit_op = sim_submit_op,
	.wait = sim_wait,
};
