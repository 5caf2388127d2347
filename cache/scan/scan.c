// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A stack of work that all threads take from and add to.  A stack and not a
 * queue: a directory stays open until its entries have been opened, and depth
 * first keeps few of them waiting.
 *
 *	invariant: every node that is not yet filled is in the stack or in the
 *	hands of a thread that counts as working; so an empty stack and nobody
 *	working is the end.
 */
#include "cache/scan/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cache/base/errmsg.h"
#include "cache/scan/work.h"
#include "cache/store/explain.h"
#include "cache/verity/hash.h"

/* Files that a worker takes at a time: few, so that none is left with much. */
#define PIECE_MAX	8
/* What all workers together keep of the files they are reading. */
#define KEEP_TOTAL	((size_t)256 << 20)
#define KEEP_MIN	((size_t)4 << 20)
#define KEEP_MAX	((size_t)64 << 20)
#define BATCH_MAX	512
/* Descriptors that are left for directories and everything else. */
#define FDS_RESERVED	256

static void stop(struct scan *scan, int err, const char *where, size_t len,
		 const char *path, const char *why)
{
	pthread_mutex_lock(&scan->lock);
	if (!scan->err) {
		scan->err = errmsg_set(scan->msg, err, "%.*s%s: %s", (int)len,
				       where, path, why);
		pthread_cond_broadcast(&scan->changed);
	}
	pthread_mutex_unlock(&scan->lock);
}

int scan_fail(struct scan_worker *worker, const struct cfs_node *node, int err)
{
	const char *why = strerror(-err);

	if (err == -ESTALE)
		why = "it changed while it was read";
	else if (err == -E2BIG)
		why = "its xattrs are larger than an image can hold";
	return scan_fail_why(worker, node, err, why);
}

int scan_fail_why(struct scan_worker *worker, const struct cfs_node *node,
		  int err, const char *why)
{
	const char *path = worker->scan->path;
	size_t len = strlen(path);
	char buf[768];

	while (len && path[len - 1] == '/')
		len--;
	stop(worker->scan, err, path, len,
	     cfs_node_path(node, buf, sizeof(buf)), why);
	return err;
}

int scan_fail_store(struct scan_worker *worker, int err)
{
	struct errmsg why;

	cfs_store_explain(worker->scan->options->store, err, &why);
	stop(worker->scan, err, "the store", strlen("the store"), "", why.text);
	return err;
}

void scan_dir_put(struct scan_dir *dir)
{
	if (atomic_fetch_sub(&dir->refs, 1) == 1) {
		close(dir->fd);
		free(dir);
	}
}

int scan_push(struct scan_worker *worker, struct scan_dir *dir, bool are_dirs,
	      struct cfs_node *const *nodes, size_t n_nodes)
{
	struct scan *scan = worker->scan;
	struct scan_task *task = arena_alloc(&worker->arena, sizeof(*task));

	if (!task)
		return -ENOMEM;
	task->nodes = arena_alloc(&worker->arena,
				  n_nodes * sizeof(struct cfs_node *));
	if (!task->nodes)
		return -ENOMEM;
	memcpy(task->nodes, nodes, n_nodes * sizeof(struct cfs_node *));
	task->n_nodes = n_nodes;
	task->are_dirs = are_dirs;
	task->dir = dir;
	atomic_fetch_add(&dir->refs, 1);

	pthread_mutex_lock(&scan->lock);
	task->below = scan->stack;
	scan->stack = task;
	pthread_cond_broadcast(&scan->changed);
	pthread_mutex_unlock(&scan->lock);
	return 0;
}

/* Cut a piece off the topmost task; the lock is held. */
static void cut_piece(struct scan *scan, struct scan_piece *piece)
{
	struct scan_task *task = scan->stack;
	size_t n = task->are_dirs ? 1 : PIECE_MAX;

	if (n > task->n_nodes)
		n = task->n_nodes;
	piece->dir = task->dir;
	piece->are_dirs = task->are_dirs;
	piece->nodes = task->nodes + task->n_nodes - n;
	piece->n_nodes = n;
	task->n_nodes -= n;
	if (task->n_nodes)
		atomic_fetch_add(&task->dir->refs, 1);
	else
		scan->stack = task->below;	/* its reference goes along */
}

/* Return: false if there will be no more work. */
static bool take_piece(struct scan *scan, struct scan_piece *piece)
{
	bool found;

	pthread_mutex_lock(&scan->lock);
	while (!scan->stack && scan->working && !scan->err)
		pthread_cond_wait(&scan->changed, &scan->lock);
	found = scan->stack && !scan->err;
	if (found) {
		cut_piece(scan, piece);
		scan->working++;
	}
	pthread_mutex_unlock(&scan->lock);
	return found;
}

static void piece_done(struct scan *scan)
{
	pthread_mutex_lock(&scan->lock);
	if (--scan->working == 0 && !scan->stack)
		pthread_cond_broadcast(&scan->changed);
	pthread_mutex_unlock(&scan->lock);
}

static void do_piece(struct scan_worker *worker, const struct scan_piece *piece)
{
	size_t i;
	int err = 0;

	for (i = 0; i < piece->n_nodes && !err; i++) {
		struct cfs_node *node = piece->nodes[i];

		if (piece->are_dirs)
			err = scan_directory(worker, piece->dir->fd, node->name,
					     node);
		else
			err = scan_file(worker, piece->dir, node);
		if (err)
			scan_fail(worker, node, err);
	}
}

static bool has_failed(struct scan *scan)
{
	bool failed;

	pthread_mutex_lock(&scan->lock);
	failed = scan->err;
	pthread_mutex_unlock(&scan->lock);
	return failed;
}

static void *work(void *context)
{
	struct scan_worker *worker = context;
	struct scan_piece piece;

	while (take_piece(worker->scan, &piece)) {
		do_piece(worker, &piece);
		scan_dir_put(piece.dir);
		piece_done(worker->scan);
	}
	if (!has_failed(worker->scan))
		scan_store_flush(worker);
	return NULL;
}

static void worker_release(struct scan_worker *worker)
{
	scan_store_discard(worker);
	free(worker->batch.fds);
	free(worker->batch.digests);
	cfs_verity_hash_free(worker->hash);
	free(worker->bytes);
	free(worker->list);
	free(worker->value);
	free(worker->found);
}

static int worker_init(struct scan_worker *worker, struct scan *scan)
{
	worker->scan = scan;
	worker->expects_new = true;
	worker->list = malloc(SCAN_LIST_SIZE);
	worker->value = malloc(SCAN_VALUE_SIZE);
	worker->batch.fds = calloc(scan->batch_max, sizeof(int));
	worker->batch.digests = calloc(scan->batch_max,
				       sizeof(struct cfs_digest));
	if (!worker->list || !worker->value || !worker->batch.fds ||
	    !worker->batch.digests)
		return -ENOMEM;
	return cfs_verity_hash_new(&worker->hash);
}

/* The first worker is the calling thread; the others are welcome, no more. */
static int run_workers(struct scan *scan, struct scan_worker *workers)
{
	unsigned int n, i;

	for (n = 1; n < scan->options->threads; n++) {
		if (pthread_create(&workers[n].thread, NULL, work, &workers[n]))
			break;
	}
	work(&workers[0]);
	for (i = 1; i < n; i++)
		pthread_join(workers[i].thread, NULL);
	while (scan->stack) {
		struct scan_task *task = scan->stack;

		scan->stack = task->below;
		scan_dir_put(task->dir);
	}
	return scan->err;
}

static int scan_root(struct scan_worker *worker, struct cfs_tree *tree)
{
	int err;

	tree->root = cfs_node_new(&tree->arena, "", 0);
	if (!tree->root)
		return -ENOMEM;
	err = scan_directory(worker, AT_FDCWD, worker->scan->path, tree->root);
	return err ? scan_fail(worker, tree->root, err) : 0;
}

static unsigned int batch_max(unsigned int threads)
{
	struct rlimit limit;
	rlim_t each;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
	    limit.rlim_cur < 2 * FDS_RESERVED)
		return 1;
	each = (limit.rlim_cur - FDS_RESERVED) / 2 / threads;
	return each > BATCH_MAX ? BATCH_MAX : each ? each : 1;
}

int cfs_scan(const char *path, const struct cfs_scan_options *options,
	     struct cfs_scan_counters *counters, struct cfs_tree *tree,
	     struct errmsg *msg)
{
	struct scan scan = {
		.options = options,
		.counters = counters,
		.path = path,
		.msg = msg,
		.keep_max = KEEP_TOTAL / options->threads,
		.batch_max = batch_max(options->threads),
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
	};
	struct scan_worker *workers =
		calloc(options->threads, sizeof(*workers));
	unsigned int i;
	int err = 0;

	if (!workers)
		return -ENOMEM;
	if (scan.keep_max > KEEP_MAX)
		scan.keep_max = KEEP_MAX;
	if (scan.keep_max < KEEP_MIN)
		scan.keep_max = KEEP_MIN;
	for (i = 0; i < options->threads && !err; i++)
		err = worker_init(&workers[i], &scan);
	if (!err)
		err = scan_root(&workers[0], tree);
	if (!err)
		err = run_workers(&scan, workers);
	if (!err)
		scan_join_links(&scan);
	for (i = 0; i < options->threads; i++) {
		arena_adopt(&tree->arena, &workers[i].arena);
		worker_release(&workers[i]);
	}
	hash_set_release(&scan.claims);
	hash_set_release(&scan.inodes);
	free(workers);
	return err;
}
