// SPDX-License-Identifier: GPL-2.0-or-later
/* Making trees that were asked for. */
#include "server/tree_maker.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cache/base/log.h"
#include "cache/store/store.h"
#include "cache/mirror/trees.h"

/* Digests, the oldest first. */
struct digests {
	struct cfs_digest digest[TREE_MAKER_QUEUE];
	size_t n;
};

struct tree_maker {
	struct cfs_store *store;
	pthread_t thread;
	pthread_mutex_t lock;		/* of all below */
	pthread_cond_t changed;
	struct digests wanted;
	struct digests failed;
	bool started, busy, stopping;
};

static bool has(const struct digests *digests, const struct cfs_digest *digest)
{
	for (size_t i = 0; i < digests->n; i++)
		if (cfs_digest_equal(&digests->digest[i], digest))
			return true;
	return false;
}

static struct cfs_digest take_oldest(struct digests *digests)
{
	struct cfs_digest oldest = digests->digest[0];

	digests->n--;
	memmove(digests->digest, digests->digest + 1,
		digests->n * sizeof(oldest));
	return oldest;
}

int tree_maker_new(const char *store, struct tree_maker **ret)
{
	struct tree_maker *maker = calloc(1, sizeof(*maker));
	int err;

	if (!maker)
		return -ENOMEM;
	err = cfs_store_open(store, 0, &maker->store);
	if (err == 0)
		err = cfs_store_trees_folder(maker->store);
	if (err < 0) {
		cfs_store_close(maker->store);
		free(maker);
		return err;
	}
	pthread_mutex_init(&maker->lock, NULL);
	pthread_cond_init(&maker->changed, NULL);
	*ret = maker;
	return 0;
}

static int make(struct tree_maker *maker, const struct cfs_digest *digest)
{
	char hex[CFS_DIGEST_HEX_LEN + 1];
	int err = cfs_store_tree_make(maker->store, digest, CFS_TREES_MIN_SIZE);

	if (err == CFS_STORE_MISS)
		return err;
	cfs_digest_format(digest, hex);
	log_line(err ? LOG_WARNING : LOG_INFO,
		 "event=tree object=%s result=\"%s\"", hex,
		 err < 0 ? strerror(-err) : err ? "damaged" : "made");
	return err;
}

static void *run(void *context)
{
	struct tree_maker *maker = context;

	/* On Linux that is this thread's alone. */
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), 19);
	pthread_mutex_lock(&maker->lock);
	while (!maker->stopping) {
		struct cfs_digest digest;
		int err;

		if (!maker->wanted.n) {
			pthread_cond_wait(&maker->changed, &maker->lock);
			continue;
		}
		digest = take_oldest(&maker->wanted);
		maker->busy = true;
		pthread_mutex_unlock(&maker->lock);
		err = make(maker, &digest);
		pthread_mutex_lock(&maker->lock);
		maker->busy = false;
		if (err && maker->failed.n == TREE_MAKER_QUEUE)
			take_oldest(&maker->failed);
		if (err)
			maker->failed.digest[maker->failed.n++] = digest;
	}
	pthread_mutex_unlock(&maker->lock);
	return NULL;
}

int tree_maker_start(struct tree_maker *maker)
{
	int err = -pthread_create(&maker->thread, NULL, run, maker);

	maker->started = err == 0;
	return err;
}

void tree_maker_want(struct tree_maker *maker, const struct cfs_digest *digest)
{
	pthread_mutex_lock(&maker->lock);
	if (maker->wanted.n < TREE_MAKER_QUEUE && !has(&maker->wanted, digest) &&
	    !has(&maker->failed, digest)) {
		maker->wanted.digest[maker->wanted.n++] = *digest;
		pthread_cond_signal(&maker->changed);
	}
	pthread_mutex_unlock(&maker->lock);
}

void tree_maker_free(struct tree_maker *maker)
{
	bool busy;

	if (!maker)
		return;
	pthread_mutex_lock(&maker->lock);
	maker->stopping = true;
	busy = maker->busy;
	pthread_cond_signal(&maker->changed);
	pthread_mutex_unlock(&maker->lock);
	if (busy)
		return;
	if (maker->started)
		pthread_join(maker->thread, NULL);
	cfs_store_close(maker->store);
	free(maker);
}
