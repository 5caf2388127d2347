// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/seed/pack.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/epoll.h>

#include "cache/base/container_of.h"
#include "fetcher/loop/loop.h"
#include "fetcher/pack/pack.h"

#define TICK_MS	100

struct packing {
	struct loop *loop;
	const struct seed_fetch_options *options;
	enum pack_outcome outcome;
	struct loop_timer timer;
	struct loop_fd stop;
	int err;
};

static void over(void *context, enum pack_outcome outcome,
		 const struct pack_stats *stats)
{
	struct packing *packing = context;

	(void)stats;
	packing->outcome = outcome;
	loop_stop(packing->loop);
}

static const struct pack_calls calls = { .over = over };

static void ticked(struct loop_timer *timer)
{
	struct packing *packing = container_of(timer, struct packing, timer);

	packing->options->tick(packing->options->context);
	loop_timer_start(packing->loop, timer, TICK_MS);
}

static void told_to_stop(struct loop_fd *lfd, uint32_t events)
{
	struct packing *packing = container_of(lfd, struct packing, stop);

	(void)events;
	packing->err = -EINTR;
	loop_stop(packing->loop);
}

static int bring_one(struct packing *packing, struct cfs_store *store,
		     struct fetcher *fetcher, const struct cfs_digest *image,
		     const char *name)
{
	struct pack_fetch *pack;
	int err = pack_fetch_start(packing->loop, store, fetcher, image, name,
				   &calls, packing, &pack);

	if (err < 0)
		return err;
	err = loop_run(packing->loop);
	pack_fetch_free(pack);
	return err < 0 ? err : packing->err;
}

static bool is_worth_it(const struct seed_plan *plan,
			const struct seed_fetch_options *options)
{
	return !options->rate &&
	       seed_plan_count(plan, SEED_WANTED).objects >= SEED_PACK_MIN;
}

int seed_pack(const struct seed_plan *plan, struct loop *loop,
	      struct cfs_store *store, struct fetcher *fetcher,
	      const struct cfs_digest *images, size_t n_images,
	      const struct seed_fetch_options *options)
{
	struct packing packing = {
		.loop = loop,
		.options = options,
		.timer.expired = ticked,
		.stop.ready = told_to_stop,
	};
	int err;

	if (!is_worth_it(plan, options))
		return 0;
	err = loop_fd_start(loop, &packing.stop, options->stop_fd, EPOLLIN);
	if (err < 0)
		return err;
	loop_timer_start(loop, &packing.timer, TICK_MS);
	for (size_t i = 0; err == 0 && i < n_images; i++) {
		err = bring_one(&packing, store, fetcher, &images[i],
				SEED_PACK_NAME);
		if (err == 0 && packing.outcome == PACK_NONE)
			err = bring_one(&packing, store, fetcher, &images[i],
					NULL);
	}
	loop_timer_stop(loop, &packing.timer);
	loop_fd_stop(loop, &packing.stop);
	return err;
}
