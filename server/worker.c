// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Run a worker's thread.
 */
#include "server/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "server/connection.h"

/* How long to leave a listener alone that finds no descriptor or memory. */
#define ACCEPT_PAUSE_MS	100
/* Nothing waits longer than this for the clock: the log is written then. */
#define ROUND_MAX_MS	1000
#define LINGER_MS	2000

/* Open descriptors of large objects that each worker keeps. */
#define MAX_IDLE_FDS	256

enum accepting {
	ACCEPTING,
	PAUSED,			/* until ->resume_ms */
	STOPPED,
};

struct accepter {
	struct io_op op;
	struct worker *worker;
	enum listen_role role;
	enum accepting state;
	int64_t resume_ms;
};

struct worker_thread {
	pthread_t thread;
	int err;
	struct io_op wake;		/* ->fd is an eventfd */
	size_t n_accepters;
	struct accepter accepters[LISTENERS_MAX];
};

static void update_clock(struct worker *worker)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	worker->now_ms = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
	clock_gettime(CLOCK_REALTIME_COARSE, &ts);
	worker->now = ts.tv_sec;
	http_date_update(&worker->date, worker->now);
}

/* From now on the kernel refuses clients, unless others listen there too. */
static void stop_listening(struct accepter *accepter)
{
	accepter->state = STOPPED;
	cleanup_close(&accepter->op.fd);
	accepter->op.fd = -1;
}

static void accepted(struct io_op *op, int res)
{
	struct accepter *accepter = (struct accepter *)op;
	struct worker *worker = accepter->worker;

	if (res >= 0) {
		connection_new(worker, res, accepter->role);
		return;
	}
	if (worker->stopping) {
		stop_listening(accepter);
		return;
	}
	/* Mostly there are no descriptors left: connections end, then go on. */
	object_cache_shrink(worker->cache);
	accepter->state = PAUSED;
	accepter->resume_ms = worker->now_ms + ACCEPT_PAUSE_MS;
}

static void stop_accepting(struct worker *worker)
{
	struct worker_thread *thread = worker->thread;
	size_t i;

	for (i = 0; i < thread->n_accepters; i++)
		if (thread->accepters[i].state == ACCEPTING)
			io_stop_accept(worker->io, &thread->accepters[i].op);
		else
			stop_listening(&thread->accepters[i]);
}

static void resume_accepting(struct worker *worker)
{
	struct worker_thread *thread = worker->thread;
	size_t i;

	for (i = 0; i < thread->n_accepters; i++) {
		struct accepter *accepter = &thread->accepters[i];

		if (accepter->state != PAUSED ||
		    accepter->resume_ms > worker->now_ms)
			continue;
		accepter->state = ACCEPTING;
		io_start(worker->io, &accepter->op);
	}
}

static bool is_accepting(const struct worker *worker)
{
	size_t i;

	for (i = 0; i < worker->thread->n_accepters; i++)
		if (worker->thread->accepters[i].state != STOPPED)
			return true;
	return false;
}

static void cut_all(struct worker *worker)
{
	struct connection *conn;

	for (conn = worker->connections; conn; conn = conn->next)
		if (!conn->cut)
			connection_cut(conn);
}

static void woken(struct io_op *op, int res)
{
	struct worker_thread *thread =
		(struct worker_thread *)((char *)op -
					 offsetof(struct worker_thread, wake));
	struct worker *worker = thread->accepters[0].worker;
	struct connection *conn;

	(void)res;
	worker->stopping = true;
	worker->stop_by_ms = worker->now_ms + worker->shared->limits.grace_ms;
	stop_accepting(worker);
	for (conn = worker->connections; conn; conn = conn->next)
		connection_stop(conn);
}

static void run_timeouts(struct worker *worker)
{
	struct timeout_list *lists[] = { &worker->idle, &worker->head,
					 &worker->sending, &worker->lingering };
	struct timeout *timeout;
	size_t i;

	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		while ((timeout = timeout_take_due(lists[i], worker->now_ms)))
			connection_timed_out((struct connection *)(
				(char *)timeout -
				offsetof(struct connection, timeout)));
	if (worker->stopping && worker->now_ms >= worker->stop_by_ms)
		cut_all(worker);
}

/* How long may nothing happen? */
static int round_ms(const struct worker *worker)
{
	const struct worker_thread *thread = worker->thread;
	size_t i;

	for (i = 0; i < thread->n_accepters; i++)
		if (thread->accepters[i].state == PAUSED)
			return ACCEPT_PAUSE_MS;
	if (worker->stopping)
		return ACCEPT_PAUSE_MS;
	return worker->n_connections || worker->lines.len ? ROUND_MAX_MS : -1;
}

static int run(struct worker *worker)
{
	time_t flushed = 0;
	int err;

	while (!worker->stopping || worker->n_connections ||
	       is_accepting(worker)) {
		err = io_wait(worker->io, round_ms(worker));
		if (err)
			return err;
		/* After hours without a client, too, deadlines count from now. */
		update_clock(worker);
		io_run(worker->io);
		run_timeouts(worker);
		if (!worker->stopping)
			resume_accepting(worker);
		if (worker->lines.len && worker->now != flushed) {
			access_log_flush(worker->shared->log, &worker->lines);
			flushed = worker->now;
			worker->metrics.values[METRIC_LOG_DROPPED] =
				worker->lines.n_dropped;
		}
	}
	access_log_flush(worker->shared->log, &worker->lines);
	return 0;
}

static void *thread_main(void *context)
{
	struct worker *worker = context;
	struct worker_thread *thread = worker->thread;
	size_t i;

	/* The engine belongs to the thread that made it. */
	thread->err = io_new(worker->shared->engine, &worker->io);
	if (!thread->err) {
		update_clock(worker);
		io_start(worker->io, &thread->wake);
		for (i = 0; i < thread->n_accepters; i++)
			io_start(worker->io, &thread->accepters[i].op);
		thread->err = run(worker);
		io_free(worker->io);
		worker->io = NULL;
	}
	/* A server with a thread missing is better started anew. */
	if (thread->err)
		kill(getpid(), SIGTERM);
	return NULL;
}

static void set_limits(struct worker *worker)
{
	const struct serve_limits *limits = &worker->shared->limits;

	worker->idle.after_ms = limits->idle_ms;
	worker->head.after_ms = limits->head_ms;
	worker->sending.after_ms = RATE_WINDOW_MS;
	worker->lingering.after_ms = LINGER_MS;
}

int worker_new(struct serve_shared *shared, struct listener *listeners,
	       size_t n_listeners, struct worker **ret)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	struct worker_thread *thread = calloc(1, sizeof(*thread));
	size_t i;

	if (!worker || !thread) {
		free(worker);
		free(thread);
		for (i = 0; i < n_listeners; i++)
			listener_close(&listeners[i]);
		return -ENOMEM;
	}
	worker->shared = shared;
	worker->thread = thread;
	set_limits(worker);
	for (i = 0; i < n_listeners && i < LISTENERS_MAX; i++)
		thread->accepters[i] = (struct accepter){
			.op = { .kind = IO_ACCEPT, .done = accepted,
				.fd = listeners[i].fd },
			.worker = worker,
			.role = listeners[i].role,
		};
	thread->n_accepters = i;
	thread->wake.kind = IO_WAKE;
	thread->wake.done = woken;
	thread->wake.fd = eventfd(0, EFD_CLOEXEC);
	worker->cache = object_cache_new(shared->limits.cache_bytes /
						 shared->n_workers,
					 MAX_IDLE_FDS);
	if (thread->wake.fd < 0 || !worker->cache) {
		worker_free(worker);
		return -ENOMEM;
	}
	*ret = worker;
	return 0;
}

int worker_start(struct worker *worker)
{
	return -pthread_create(&worker->thread->thread, NULL, thread_main,
			       worker);
}

void worker_stop(struct worker *worker)
{
	uint64_t one = 1;

	if (write(worker->thread->wake.fd, &one, sizeof(one)) < 0)
		abort();	/* an event counter that is never full */
}

int worker_join(struct worker *worker)
{
	pthread_join(worker->thread->thread, NULL);
	return worker->thread->err;
}

void worker_free(struct worker *worker)
{
	size_t i;

	if (!worker)
		return;
	object_cache_free(worker->cache);
	for (i = 0; i < worker->thread->n_accepters; i++)
		cleanup_close(&worker->thread->accepters[i].op.fd);
	cleanup_close(&worker->thread->wake.fd);
	free(worker->thread);
	free(worker);
}
