// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Run a worker's thread.
 */
#include "server/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "server/connection.h"
#include "server/crowd.h"

/* How long to leave a listener alone that finds no descriptor or memory. */
#define ACCEPT_PAUSE_MS	100
/* Nothing waits longer than this for the clock: the log is written then. */
#define ROUND_MAX_MS	1000
#define LINGER_MS	2000

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
	struct io_op wake;		/* ->fd is an eventfd, raised after: */
	atomic_bool stop;
	/* For a peer with so many connections; 0: not asked. */
	atomic_uint make_way[N_LISTEN_ROLES];
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
	/* Mostly there are no descriptors left: some are given up, then go on. */
	object_cache_shrink(worker->cache);
	crowd_make_way(worker, LISTEN_OBJECTS, 0);
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

static void begin_stop(struct worker *worker)
{
	struct connection *conn;

	worker->stopping = true;
	worker->stop_by_ms = worker->now_ms + worker->shared->limits.grace_ms;
	stop_accepting(worker);
	for (conn = worker->connections; conn; conn = conn->next)
		connection_stop(conn);
}

static void woken(struct io_op *op, int res)
{
	struct worker_thread *thread =
		(struct worker_thread *)((char *)op -
					 offsetof(struct worker_thread, wake));
	struct worker *worker = thread->accepters[0].worker;
	unsigned int role, load;

	(void)res;
	for (role = 0; role < N_LISTEN_ROLES; role++) {
		load = atomic_exchange(&thread->make_way[role], 0);
		if (load)
			crowd_thin_out(worker, (enum listen_role)role, load,
				       worker->shared->limits.max_extra);
	}
	if (atomic_load(&thread->stop) && !worker->stopping)
		begin_stop(worker);
	io_start(worker->io, &thread->wake);
}

static void run_list(struct worker *worker, struct timeout_list *list)
{
	struct timeout *timeout;

	while ((timeout = timeout_take_due(list, worker->now_ms)))
		connection_timed_out(connection_of(timeout));
}

static void run_timeouts(struct worker *worker)
{
	unsigned int role;

	for (role = 0; role < N_LISTEN_ROLES; role++) {
		struct worker_waits *waits = &worker->waits[role];

		run_list(worker, &waits->idle);
		run_list(worker, &waits->head);
		run_list(worker, &waits->sending);
		run_list(worker, &waits->lingering);
	}
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

	unsigned int role;

	for (role = 0; role < N_LISTEN_ROLES; role++) {
		struct worker_waits *waits = &worker->waits[role];

		waits->idle.after_ms = limits->idle_ms;
		waits->head.after_ms = limits->head_ms;
		waits->sending.after_ms = RATE_WINDOW_MS;
		waits->lingering.after_ms = LINGER_MS;
	}
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
					 shared->limits.idle_files);
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

static void wake(struct worker *worker)
{
	uint64_t one = 1;

	if (write(worker->thread->wake.fd, &one, sizeof(one)) < 0)
		abort();	/* an event counter that is never full */
}

void worker_make_way(struct worker *worker, enum listen_role role,
		     unsigned int load)
{
	/* Of several at the same time the last one's load counts. */
	atomic_store(&worker->thread->make_way[role], load);
	wake(worker);
}

void worker_stop(struct worker *worker)
{
	atomic_store(&worker->thread->stop, true);
	wake(worker);
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
