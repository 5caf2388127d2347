// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/prefetch/complete.h"

#include <errno.h>
#include <stdlib.h>

#include "cache/base/container_of.h"
#include "cache/base/log.h"
#include "fetcher/allow/list.h"
#include "cache/base/byte_budget.h"
#include "fetcher/engine/fetch.h"
#include "fetcher/loop/loop.h"

#define N_SLOTS		32
#define TICK_MS		100
#define PAUSE_MS	60000

/* So many failures in a row end a pass. */
#define GIVE_UP_AFTER	64

struct slot {
	struct fetch_waiter waiter;
	struct complete *complete;
	struct slot *next_free;
	struct cfs_digest digest;
	uint64_t size;
};

struct complete {
	struct loop *loop;
	struct fetcher *fetcher;
	struct allow_list *allow;
	struct byte_budget budget;

	enum complete_state state;
	uint64_t at;			/* in the allow list */
	struct slot slots[N_SLOTS];
	struct slot *free_slots;
	unsigned int n_busy;
	uint64_t failed, failed_in_a_row;
	struct loop_timer timer;	/* RUNNING: a tick; PAUSED: the end of it */
};

static void fill(struct complete *complete);

static void object_done(struct fetch_waiter *waiter, int err)
{
	struct slot *slot = container_of(waiter, struct slot, waiter);
	struct complete *complete = slot->complete;

	slot->next_free = complete->free_slots;
	complete->free_slots = slot;
	complete->n_busy--;
	if (err < 0) {
		complete->failed++;
		complete->failed_in_a_row++;
		/* What did not come was paid for. */
		byte_budget_give(&complete->budget, slot->size);
	} else {
		complete->failed_in_a_row = 0;
		allow_list_note_present(complete->allow, &slot->digest);
	}
	if (err == -ESHUTDOWN)
		loop_timer_stop(complete->loop, &complete->timer);
	else
		fill(complete);
}

static struct allow_entry *next_missing(struct complete *complete)
{
	struct allow_entry *entry;

	if (complete->failed_in_a_row >= GIVE_UP_AFTER)
		return NULL;
	while ((entry = allow_list_each(complete->allow, &complete->at)))
		if (!entry->present)
			return entry;
	return NULL;
}

static void pass_is_over(struct complete *complete)
{
	const struct allow_count *total = allow_list_total(complete->allow);

	if (total->present_objects == total->objects) {
		complete->state = COMPLETE_DONE;
		loop_timer_stop(complete->loop, &complete->timer);
		log_line(LOG_INFO, "complete objects=%llu bytes=%llu",
			 (unsigned long long)total->objects,
			 (unsigned long long)total->bytes);
		return;
	}
	complete->state = COMPLETE_PAUSED;
	log_line(LOG_WARNING, "incomplete missing=%llu failed=%llu again_s=%d",
		 (unsigned long long)(total->objects - total->present_objects),
		 (unsigned long long)complete->failed, PAUSE_MS / 1000);
	loop_timer_start(complete->loop, &complete->timer, PAUSE_MS);
}

/* Ask for what is missing, as far as slots and budget go. */
static void fill(struct complete *complete)
{
	struct allow_entry *entry;

	if (complete->state != COMPLETE_RUNNING)
		return;
	byte_budget_fill(&complete->budget, loop_now_ms(complete->loop));
	while (complete->free_slots && byte_budget_allows(&complete->budget)) {
		struct slot *slot = complete->free_slots;

		entry = next_missing(complete);
		if (!entry)
			break;
		slot->waiter.done = object_done;
		slot->digest = entry->digest;
		slot->size = entry->size;
		if (fetch_object(complete->fetcher, &entry->digest, entry->size,
				 FETCH_BACKGROUND, &slot->waiter) < 0) {
			complete->failed++;
			break;
		}
		byte_budget_take(&complete->budget,
				 allow_list_bytes(complete->allow, entry));
		complete->free_slots = slot->next_free;
		complete->n_busy++;
	}
	if (complete->n_busy == 0 && byte_budget_allows(&complete->budget))
		pass_is_over(complete);
}

static void begin_pass(struct complete *complete)
{
	complete->state = COMPLETE_RUNNING;
	complete->at = 0;
	complete->failed = 0;
	complete->failed_in_a_row = 0;
	loop_timer_start(complete->loop, &complete->timer, TICK_MS);
	fill(complete);
}

static void timer_expired(struct loop_timer *timer)
{
	struct complete *complete = container_of(timer, struct complete, timer);

	if (complete->state == COMPLETE_PAUSED) {
		begin_pass(complete);
		return;
	}
	loop_timer_start(complete->loop, timer, TICK_MS);
	fill(complete);
}

int complete_new(struct loop *loop, struct fetcher *fetcher,
		 struct allow_list *allow, uint64_t rate, struct complete **ret)
{
	struct complete *complete = calloc(1, sizeof(*complete));

	if (!complete)
		return -ENOMEM;
	complete->loop = loop;
	complete->fetcher = fetcher;
	complete->allow = allow;
	complete->budget.rate = rate;
	complete->budget.filled_ms = loop_now_ms(loop);
	complete->timer.expired = timer_expired;
	for (size_t i = 0; i < N_SLOTS; i++) {
		complete->slots[i].complete = complete;
		complete->slots[i].next_free = complete->free_slots;
		complete->free_slots = &complete->slots[i];
	}
	*ret = complete;
	return 0;
}

void complete_free(struct complete *complete)
{
	if (!complete)
		return;
	loop_timer_stop(complete->loop, &complete->timer);
	free(complete);
}

void complete_go(struct complete *complete)
{
	const struct allow_count *total = allow_list_total(complete->allow);

	if (complete->state == COMPLETE_LAZY ||
	    (complete->state == COMPLETE_DONE &&
	     total->present_objects < total->objects))
		begin_pass(complete);
}

enum complete_state complete_state(const struct complete *complete)
{
	return complete->state;
}

uint64_t complete_failed(const struct complete *complete)
{
	return complete->failed;
}
