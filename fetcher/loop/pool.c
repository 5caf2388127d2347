// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The loop's threads.  Queues under one lock: work to do, that somebody waits for and
 * the other, and work that is done.
 * The eventfd is written only when the second one stops being empty, so a burst
 * of small jobs wakes the loop once.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fetcher/loop/backend.h"

/* libcrypto and glibc need a fraction of it; the default of 8 MiB is address space. */
#define POOL_STACK_LEN	(512 * 1024)

struct loop_pool {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct loop_work_list first, todo, done;
	bool quit;
	int event_fd;
	unsigned int n_threads;
	pthread_t threads[];
};

/* What to do next, or NULL; called with the lock held. */
static struct loop_work *take_work(struct loop_pool *pool)
{
	struct loop_work_list *list = STAILQ_EMPTY(&pool->first) ? &pool->todo :
								   &pool->first;
	struct loop_work *work = STAILQ_FIRST(list);

	if (work)
		STAILQ_REMOVE_HEAD(list, entry);
	return work;
}

static void *pool_thread(void *arg)
{
	struct loop_pool *pool = arg;

	pthread_mutex_lock(&pool->lock);
	for (;;) {
		struct loop_work *work = take_work(pool);
		bool first;

		if (!work) {
			if (pool->quit)
				break;
			pthread_cond_wait(&pool->wake, &pool->lock);
			continue;
		}
		pthread_mutex_unlock(&pool->lock);

		work->run(work);

		pthread_mutex_lock(&pool->lock);
		first = STAILQ_EMPTY(&pool->done);
		STAILQ_INSERT_TAIL(&pool->done, work, entry);
		/* Can't fail: the loop reads the counter long before 2^64. */
		if (first)
			eventfd_write(pool->event_fd, 1);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

static int start_threads(struct loop_pool *pool, unsigned int n_threads)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int err;

	err = pthread_attr_init(&attr);
	if (err)
		return -err;
	pthread_attr_setstacksize(&attr, POOL_STACK_LEN);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (!err && pool->n_threads < n_threads) {
		err = pthread_create(&pool->threads[pool->n_threads], &attr,
				     pool_thread, pool);
		if (!err)
			pool->n_threads++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return -err;
}

int loop_pool_new(unsigned int n_threads, struct loop_pool **ret, int *ret_fd)
{
	struct loop_pool *pool;
	int err;

	pool = calloc(1, sizeof(*pool) + n_threads * sizeof(pool->threads[0]));
	if (!pool)
		return -ENOMEM;
	pool->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pool->event_fd < 0) {
		err = -errno;
		free(pool);
		return err;
	}
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->wake, NULL);
	STAILQ_INIT(&pool->first);
	STAILQ_INIT(&pool->todo);
	STAILQ_INIT(&pool->done);
	err = start_threads(pool, n_threads);
	if (err < 0) {
		loop_pool_free(pool);
		return err;
	}
	*ret = pool;
	*ret_fd = pool->event_fd;
	return 0;
}

void loop_pool_free(struct loop_pool *pool)
{
	unsigned int i;

	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->quit = true;
	pthread_cond_broadcast(&pool->wake);
	pthread_mutex_unlock(&pool->lock);
	for (i = 0; i < pool->n_threads; i++)
		pthread_join(pool->threads[i], NULL);
	close(pool->event_fd);
	pthread_cond_destroy(&pool->wake);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

void loop_pool_submit(struct loop_pool *pool, struct loop_work *work)
{
	pthread_mutex_lock(&pool->lock);
	if (work->first)
		STAILQ_INSERT_TAIL(&pool->first, work, entry);
	else
		STAILQ_INSERT_TAIL(&pool->todo, work, entry);
	pthread_cond_signal(&pool->wake);
	pthread_mutex_unlock(&pool->lock);
}

void loop_pool_collect(struct loop_pool *pool, struct loop_work_list *ret)
{
	eventfd_t counter;

	STAILQ_INIT(ret);
	pthread_mutex_lock(&pool->lock);
	eventfd_read(pool->event_fd, &counter);
	STAILQ_CONCAT(ret, &pool->done);
	pthread_mutex_unlock(&pool->lock);
}
