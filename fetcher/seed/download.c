// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Downloading what a plan still wants.
 *
 * A window of slots, each a waiter of the engine, moves over the plan.  With a
 * rate limit a budget fills with time and an object is asked for when the budget
 * is not negative; it then goes down by the object's size.
 */
#include "fetcher/seed/download.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "cache/base/container_of.h"
#include "cache/base/byte_budget.h"
#include "fetcher/loop/loop.h"

#define TICK_MS		100

/* One may be too large for what is left; so many, and the store is full. */
#define FULL_AFTER	4

struct slot {
	struct fetch_waiter waiter;
	struct seeding *seeding;
	struct seed_object *object;
	struct slot *next_free;
};

struct seeding {
	struct seed_plan *plan;
	struct loop *loop;
	struct fetcher *fetcher;
	const struct seed_fetch_options *options;

	struct slot *slots;
	struct slot *free_slots;
	unsigned int n_busy;
	size_t next;			/* into the plan */
	struct byte_budget budget;
	uint64_t failed_in_a_row, full_in_a_row;
	struct loop_timer timer;
	struct loop_fd stop;
	int err;			/* ends the run */
	int last_err;
};

static void fill(struct seeding *seeding);

static bool store_is_full(int err)
{
	return err == -ENOSPC || err == -EDQUOT || err == -EROFS;
}

static void object_done(struct fetch_waiter *waiter, int err)
{
	struct slot *slot = container_of(waiter, struct slot, waiter);
	struct seeding *seeding = slot->seeding;

	slot->object->outcome = err == 0 ? SEED_FETCHED : SEED_FAILED;
	seeding->failed_in_a_row = err < 0 ? seeding->failed_in_a_row + 1 : 0;
	if (err < 0)
		seeding->last_err = err;
	seeding->full_in_a_row = store_is_full(err) ?
					 seeding->full_in_a_row + 1 : 0;
	if (seeding->full_in_a_row >= FULL_AFTER || err == -ENOMEM)
		seeding->err = err;
	/* What did not come was paid for. */
	if (err < 0)
		byte_budget_give(&seeding->budget, slot->object->size);
	slot->next_free = seeding->free_slots;
	seeding->free_slots = slot;
	seeding->n_busy--;
	fill(seeding);
}

static struct seed_object *next_wanted(struct seeding *seeding)
{
	struct seed_plan *plan = seeding->plan;

	while (seeding->next < plan->n_objects &&
	       plan->objects[seeding->next].outcome != SEED_WANTED)
		seeding->next++;
	return seeding->next < plan->n_objects ?
		       &plan->objects[seeding->next] : NULL;
}

static bool given_up(const struct seeding *seeding)
{
	return seeding->err < 0 ||
	       seeding->failed_in_a_row >= seeding->options->max_in_a_row;
}

static bool may_ask(const struct seeding *seeding)
{
	return seeding->free_slots && byte_budget_allows(&seeding->budget);
}

/* Ask for objects while there are slots; stop the loop when all is settled. */
static void fill(struct seeding *seeding)
{
	struct seed_object *object;

	while (!given_up(seeding) && may_ask(seeding) &&
	       (object = next_wanted(seeding))) {
		struct slot *slot = seeding->free_slots;
		int err;

		slot->object = object;
		slot->waiter.done = object_done;
		err = fetch_object(seeding->fetcher, &object->digest,
				   object->fetch_size, FETCH_BACKGROUND,
				   &slot->waiter);
		if (err < 0) {
			seeding->err = err;
			break;
		}
		seeding->next++;
		seeding->free_slots = slot->next_free;
		seeding->n_busy++;
		byte_budget_take(&seeding->budget, object->size);
	}
	if (seeding->n_busy == 0 &&
	    (given_up(seeding) || !next_wanted(seeding)))
		loop_stop(seeding->loop);
}

static void ticked(struct loop_timer *timer)
{
	struct seeding *seeding = container_of(timer, struct seeding, timer);

	byte_budget_fill(&seeding->budget, loop_now_ms(seeding->loop));
	seeding->options->tick(seeding->options->context);
	loop_timer_start(seeding->loop, timer, TICK_MS);
	fill(seeding);
}

static void told_to_stop(struct loop_fd *lfd, uint32_t events)
{
	struct seeding *seeding = container_of(lfd, struct seeding, stop);

	(void)events;
	seeding->err = -EINTR;
	loop_stop(seeding->loop);
}

static int start(struct seeding *seeding)
{
	unsigned int window = seeding->options->window;

	seeding->slots = calloc(window, sizeof(*seeding->slots));
	if (!seeding->slots)
		return -ENOMEM;
	for (unsigned int i = 0; i < window; i++) {
		seeding->slots[i].seeding = seeding;
		seeding->slots[i].next_free = seeding->free_slots;
		seeding->free_slots = &seeding->slots[i];
	}
	seeding->budget.filled_ms = loop_now_ms(seeding->loop);
	seeding->budget.rate = seeding->options->rate;
	seeding->timer.expired = ticked;
	loop_timer_start(seeding->loop, &seeding->timer, TICK_MS);
	seeding->stop.ready = told_to_stop;
	return loop_fd_start(seeding->loop, &seeding->stop,
			     seeding->options->stop_fd, EPOLLIN);
}

/* Nobody waits any more: the engine drops what is under way. */
static void leave_all(struct seeding *seeding)
{
	for (unsigned int i = 0; seeding->n_busy && i < seeding->options->window;
	     i++)
		if (seeding->slots[i].object &&
		    seeding->slots[i].object->outcome == SEED_WANTED)
			fetch_leave(seeding->fetcher,
				    &seeding->slots[i].waiter);
}

int seed_fetch(struct seed_plan *plan, struct loop *loop,
	       struct fetcher *fetcher, const struct seed_fetch_options *options,
	       int *last_err)
{
	struct seeding seeding = {
		.plan = plan,
		.loop = loop,
		.fetcher = fetcher,
		.options = options,
	};
	int err = start(&seeding);

	if (err == 0) {
		fill(&seeding);
		if (seeding.n_busy ||
		    (!given_up(&seeding) && next_wanted(&seeding)))
			err = loop_run(loop);
		leave_all(&seeding);
	}
	loop_timer_stop(loop, &seeding.timer);
	loop_fd_stop(loop, &seeding.stop);
	free(seeding.slots);
	*last_err = seeding.last_err;
	return err < 0 ? err : seeding.err;
}
