// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cfs-serve: a store as an HTTP mirror.
 *
 *	serve_options.c	the command line
 *	listen.c	sockets, ours or the service manager's
 *	worker.c	threads, each with an engine (io.h), accepting
 *	connection.c	what a connection goes through
 *	http_request.c	bytes to request
 *	url_target.c	the closed list of URLs
 *	answer.c	request to response
 *	object_open.c	the files that may be opened
 *	object_cache.c	the hot ones
 *	tree_maker.c	Merkle trees that were asked for
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cache/base/log.h"
#include "cache/base/process.h"
#include "cache/base/sd_notify.h"
#include "server/drop_privileges.h"
#include "server/serve_options.h"
#include "server/tree_maker.h"

#define DEFAULT_LISTEN		"127.0.0.1:8080"
#define DEFAULT_CONNECTIONS	16384
#define MONITORS_MAX		8	/* connections to --metrics */
#define FILES_MAX		1024
/* Beyond the grace, until the process is ended whatever it hangs in. */
#define STOP_SECONDS		5

__attribute__((format(printf, 1, 2), noreturn))
static void die(const char *format, ...)
{
	va_list args;

	fputs("cfs-serve: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(EXIT_FAILURE);
}

/*
 * How the limit of open files is shared out: nearly all of it to connections, an
 * eighth to the files that these need at a time (small objects are in memory), and
 * a few to the workers, those who watch, and those who wait for a place.  Where
 * files run short, idle connections give way to them too.
 */
static void share_descriptors(struct serve_limits *limits, size_t n_workers,
			      size_t n_listeners)
{
	rlim_t base = 16 + n_workers * (4 + n_listeners) + MONITORS_MAX;
	struct rlimit limit;
	rlim_t files, fit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		die("can't read the limit of open files: %s", strerror(errno));
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	limits->max_extra = limit.rlim_cur < 4096 ? limit.rlim_cur / 64 : 64;
	files = limit.rlim_cur / 8 < FILES_MAX ? limit.rlim_cur / 8 : FILES_MAX;
	limits->idle_files = (unsigned int)(files / 2 / n_workers) + 1;
	base += limits->max_extra + files;
	if (limit.rlim_cur <= base)
		die("the limit of open files (ulimit -n) is %llu: %zu workers need at least %llu",
		    (unsigned long long)limit.rlim_cur, n_workers,
		    (unsigned long long)base + 1);
	fit = limit.rlim_cur - base;
	if (limits->max_connections > fit)
		die("--max-connections=%u needs a limit of open files (ulimit -n) of about %llu, not %llu",
		    limits->max_connections,
		    limits->max_connections * 8ull / 7 + base,
		    (unsigned long long)limit.rlim_cur);
	if (limits->max_connections)
		return;
	limits->max_connections = DEFAULT_CONNECTIONS;
	if (fit >= DEFAULT_CONNECTIONS)
		return;
	limits->max_connections = (unsigned int)fit;
	log_line(LOG_WARNING,
		 "event=few-descriptors limit=%llu max-connections=%u default=%u remedy=\"ulimit -n, or LimitNOFILE=\"",
		 (unsigned long long)limit.rlim_cur, limits->max_connections,
		 DEFAULT_CONNECTIONS);
}

/* Which engine the workers will get; says so if it is the second best. */
static enum io_engine choose_engine(enum io_engine wanted)
{
	struct io *io;
	int err;

	if (wanted == IO_ENGINE_EPOLL)
		return wanted;
	err = io_new(IO_ENGINE_RING, &io);
	if (!err) {
		io_free(io);
		return IO_ENGINE_RING;
	}
	if (wanted == IO_ENGINE_RING)
		die("--io=io_uring: %s", strerror(-err));
	log_line(LOG_WARNING,
		 "event=no-io_uring reason=\"%s\" instead=epoll (slow disks will hold up other clients)",
		 strerror(-err));
	return IO_ENGINE_EPOLL;
}

/*
 * Sockets that share a port would also share it with a second server started
 * by mistake, so first try whether the port is ours alone.
 */
static void check_port_is_free(const char *text)
{
	struct listener probe;
	int err = listen_open(text, LISTEN_OBJECTS, false, &probe);

	if (err)
		die("can't listen on %s: %s", text, strerror(-err));
	listener_close(&probe);
}

static void open_worker(struct serve_shared *shared,
			const struct serve_options *o,
			const struct listener *inherited, size_t n_inherited,
			struct worker **ret)
{
	struct listener listeners[LISTENERS_MAX];
	size_t n = n_inherited;
	size_t i;
	int err;

	for (i = 0; i < n; i++) {
		listeners[i].role = inherited[i].role;
		listeners[i].fd = fcntl(inherited[i].fd, F_DUPFD_CLOEXEC, 0);
		if (listeners[i].fd < 0)
			die("can't duplicate a socket: %s", strerror(errno));
	}
	for (i = 0; i < o->n_listen && n < LISTENERS_MAX; i++) {
		err = listen_open(o->listen[i], o->role[i], true,
				  &listeners[n++]);
		if (err)
			die("can't listen on %s: %s", o->listen[i],
			    strerror(-err));
	}
	err = worker_new(shared, listeners, n, ret);
	if (err)
		die("can't make a worker: %s", strerror(-err));
}

static void open_workers(struct serve_shared *shared, struct serve_options *o)
{
	struct listener inherited[LISTENERS_MAX];
	int n_inherited = listen_inherited(inherited);
	size_t i;

	if (n_inherited < 0)
		die("the service manager's sockets can't be used: %s",
		    strerror(-n_inherited));
	if (n_inherited == 0 && o->n_listen == 0)
		o->listen[o->n_listen++] = DEFAULT_LISTEN;
	for (i = 0; i < o->n_listen; i++)
		check_port_is_free(o->listen[i]);
	share_descriptors(&shared->limits, o->n_workers,
			  (size_t)n_inherited + o->n_listen);
	shared->peers[LISTEN_OBJECTS] =
		peer_limit_new(shared->limits.max_connections,
			       shared->limits.max_peer,
			       shared->limits.max_extra);
	shared->peers[LISTEN_METRICS] = peer_limit_new(MONITORS_MAX / 2,
						       MONITORS_MAX / 2,
						       MONITORS_MAX / 2);
	if (!shared->peers[LISTEN_OBJECTS] || !shared->peers[LISTEN_METRICS])
		die("out of memory");
	shared->workers = calloc(o->n_workers, sizeof(shared->workers[0]));
	if (!shared->workers)
		die("out of memory");
	shared->n_workers = o->n_workers;
	for (i = 0; i < o->n_workers; i++)
		open_worker(shared, o, inherited, (size_t)n_inherited,
			    &shared->workers[i]);
	/* Each worker has its own; the service manager keeps its, too. */
	for (i = 0; i < (size_t)n_inherited; i++)
		listener_close(&inherited[i]);
	for (i = 0; i < o->n_listen; i++)
		log_line(LOG_INFO, "event=listen address=%s for=%s",
			 o->listen[i],
			 o->role[i] == LISTEN_METRICS ? "metrics" : "objects");
	if (n_inherited)
		log_line(LOG_INFO, "event=listen inherited=%d", n_inherited);
}

static void open_everything(struct serve_shared *shared,
			    struct serve_options *o)
{
	int err;

	shared->limits = o->limits;
	shared->engine = choose_engine(o->engine);
	err = store_files_open(o->store, o->unsealed, &shared->files);
	if (err)
		die("%s: can't be served as a store: %s", o->store,
		    strerror(-err));
	if (o->access_log) {
		err = access_log_open(o->access_log, &shared->log);
		if (err)
			die("%s: can't be opened for the access log: %s",
			    o->access_log, strerror(-err));
	}
	if (o->make_trees) {
		err = tree_maker_new(o->store, &shared->trees);
		if (err)
			die("%s: trees can't be written there: %s", o->store,
			    strerror(-err));
	}
	open_workers(shared, o);
	if (o->user) {
		err = drop_privileges(o->user);
		if (err)
			die("can't become user %s: %s", o->user,
			    strerror(-err));
	}
}

/* Answer signals until one of them, or a broken worker, says stop. */
static void wait_for_stop(struct serve_shared *shared, const sigset_t *signals)
{
	int err;

	for (;;) {
		int sig = sigwaitinfo(signals, NULL);

		if (sig == SIGTERM || sig == SIGINT)
			return;
		if (sig != SIGHUP || !shared->log)
			continue;
		err = access_log_reopen(shared->log);
		log_line(err ? LOG_ERR : LOG_INFO, "event=reopen-log result=\"%s\"",
			 strerror(-err));
	}
}

int main(int argc, char **argv)
{
	struct serve_shared shared = { 0 };
	struct serve_options o;
	sigset_t signals;
	int status = EXIT_SUCCESS;
	size_t i;
	int err;

	process_begin();
	serve_options_parse(argc, argv, &o);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	/* One that is ignored, as nohup does it, is never waited for. */
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);

	open_everything(&shared, &o);
	/* Threads come last: privileges are a thread's own. */
	err = shared.trees ? tree_maker_start(shared.trees) : 0;
	if (!err && shared.log)
		err = access_log_start(shared.log);
	if (err)
		die("can't start a thread: %s", strerror(-err));
	for (i = 0; i < shared.n_workers; i++) {
		err = worker_start(shared.workers[i]);
		if (err)
			die("can't start a worker: %s", strerror(-err));
	}
	log_line(LOG_INFO,
		 "event=start store=%s workers=%zu io=%s max-connections=%u max-per-client=%u",
		 o.store, shared.n_workers,
		 shared.engine == IO_ENGINE_RING ? "io_uring" : "epoll",
		 shared.limits.max_connections, shared.limits.max_peer);
	sd_notify_send("READY=1\nSTATUS=Serving %s", o.store);

	wait_for_stop(&shared, &signals);
	/* A disk that does not answer must not keep the process. */
	alarm(shared.limits.grace_ms / 1000 + STOP_SECONDS);
	sd_notify_send("STOPPING=1\nSTATUS=Finishing responses");
	log_line(LOG_INFO, "event=stop grace-ms=%u", shared.limits.grace_ms);
	/* Who asks a second time does not want to wait. */
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &signals, NULL);
	for (i = 0; i < shared.n_workers; i++)
		worker_stop(shared.workers[i]);
	for (i = 0; i < shared.n_workers; i++) {
		err = worker_join(shared.workers[i]);
		if (err) {
			log_line(LOG_ERR, "event=worker-failed error=\"%s\"",
				 strerror(-err));
			status = EXIT_FAILURE;
		}
	}
	/* Until the last has ended, they look at each other's counters. */
	for (i = 0; i < shared.n_workers; i++)
		worker_free(shared.workers[i]);
	free(shared.workers);
	tree_maker_free(shared.trees);
	access_log_close(shared.log);
	peer_limit_free(shared.peers[LISTEN_OBJECTS]);
	peer_limit_free(shared.peers[LISTEN_METRICS]);
	store_files_close(&shared.files);
	return status;
}
