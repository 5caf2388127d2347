/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker: one thread, its engine, its listeners and its connections.
 *
 *	RUNNING --- worker_stop() ---> STOPPING --- no connection left,
 *	   |                              |         or the grace is over
 *	   |  the engine is broken        v
 *	   +--------------------------> ENDED
 *
 *	RUNNING		accepts and answers
 *	STOPPING	accepts nothing; idle connections are closed, the others
 *			after the response that is under way
 *	ENDED		every connection is gone
 *
 * Workers share what never changes (configuration, the store's folders), the
 * table of peers, which locks, and the access log, which is one descriptor.
 *
 * Ownership: worker_new() gives the caller a worker to worker_free() after
 * worker_join().  The shared things are borrowed until then.
 */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "server/access_log.h"
#include "server/http_response.h"
#include "server/io.h"
#include "server/listen.h"
#include "server/metrics.h"
#include "server/object_cache.h"
#include "server/object_open.h"
#include "server/peer_limit.h"
#include "server/timeouts.h"

struct serve_limits {
	unsigned int max_connections;
	unsigned int max_extra;		/* let in until another has given way */
	unsigned int idle_files;	/* open ones that each worker keeps */
	unsigned int max_peer;
	size_t cache_bytes;		/* of all workers together */
	unsigned int head_ms;		/* to send a request's head */
	unsigned int idle_ms;		/* between two requests */
	unsigned int min_rate;		/* bytes a second that a peer must take */
	unsigned int grace_ms;		/* to finish responses when stopping */
};

/* What all workers share; constant while they run, but for what locks itself. */
struct serve_shared {
	struct serve_limits limits;
	enum io_engine engine;
	struct store_files files;
	struct peer_limit *peers[N_LISTEN_ROLES];
	struct access_log *log;		/* NULL: none */
	struct tree_maker *trees;	/* NULL: those that are not there stay so */
	struct worker **workers;
	size_t n_workers;
};

/* Over this time a peer must have taken min_rate bytes a second. */
#define RATE_WINDOW_MS	5000

struct connection;
struct tree_maker;

/* What connections wait for; those that have waited longest are the first. */
struct worker_waits {
	struct timeout_list idle, head, sending, lingering;
};

struct worker {
	struct serve_shared *shared;
	struct io *io;
	struct object_cache *cache;
	struct metrics metrics;
	struct access_log_lines lines;
	struct http_date date;
	struct connection *connections;
	size_t n_connections;
	struct worker_waits waits[N_LISTEN_ROLES];
	int64_t now_ms;			/* monotonic, of the present round */
	time_t now;			/* seconds since the epoch, ditto */
	bool stopping;
	int64_t stop_by_ms;
	struct worker_thread *thread;	/* worker.c's own */
};

/**
 * worker_new() - make a worker; it does nothing yet
 * @shared: what it shares with the others; borrowed
 * @listeners: sockets to accept from; owned by the worker, also on failure
 * @n_listeners: how many, at most LISTENERS_MAX
 * @ret: the worker, owned by the caller; untouched on failure
 *
 * Return: 0, -ENOMEM or -EMFILE.
 */
int worker_new(struct serve_shared *shared, struct listener *listeners,
	       size_t n_listeners, struct worker **ret);

/** worker_start() - let its thread run; 0 or -errno */
int worker_start(struct worker *worker);

/** worker_make_way() - let one of its connections give way (crowd.h); any thread */
void worker_make_way(struct worker *worker, enum listen_role role,
		     unsigned int load);

/** worker_stop() - let it finish what it is doing; any thread */
void worker_stop(struct worker *worker);

/**
 * worker_join() - wait until its thread has ended
 *
 * Return: 0, or the -errno of the engine that broke.
 */
int worker_join(struct worker *worker);

/** worker_free() - NULL is allowed; not while its thread runs */
void worker_free(struct worker *worker);

#endif /* SERVER_WORKER_H */
