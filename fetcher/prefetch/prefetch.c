// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/prefetch/prefetch.h"

#include <errno.h>
#include <stdlib.h>

#include "cache/base/container_of.h"
#include "cache/base/log.h"
#include "fetcher/allow/list.h"
#include "fetcher/profile/digest_list.h"
#include "fetcher/engine/fetch.h"
#include "fetcher/loop/loop.h"

/* Enough for the engine to have a choice; it starts as many as it finds good. */
#define N_SLOTS		128

/* Of what the store has already, as many can be looked at in a few ms; then others
 * get their turn. */
#define MOST_IN_A_ROUND	64

/* So many failures in a row mean that there is nothing to be had now. */
#define GIVE_UP_AFTER	64

/* One may be too large for what is left; so many, and the store is full. */
#define FULL_AFTER	4

struct slot {
	struct fetch_waiter waiter;
	struct prefetch *prefetch;
	struct slot *next_free;
	struct cfs_digest digest;
};

struct prefetch {
	struct loop *loop;
	struct fetcher *fetcher;
	struct allow_list *allow;
	void (*idle)(void *context);
	void *context;

	struct digest_list listed;
	size_t next;			/* those before it are done with */
	struct slot slots[N_SLOTS];
	struct slot *free_slots;
	size_t n_busy;
	unsigned int failed_in_a_row, full_in_a_row;
	struct cfs_digest fetched;	/* the last one: its slot is told next */
	uint64_t round_ms;		/* when the last ones were asked for, */
	unsigned int n_in_round;	/* and how many */
	struct loop_timer next_round;
	struct prefetch_stats stats;
};

static void fill(struct prefetch *prefetch);

static void forget_listed(struct prefetch *prefetch)
{
	digest_list_free(&prefetch->listed);
	prefetch->next = 0;
}

static bool store_is_full(int err)
{
	return err == -ENOSPC || err == -EDQUOT || err == -EROFS;
}

static void object_done(struct fetch_waiter *waiter, int err)
{
	struct slot *slot = container_of(waiter, struct slot, waiter);
	struct prefetch *prefetch = slot->prefetch;

	slot->next_free = prefetch->free_slots;
	prefetch->free_slots = slot;
	prefetch->n_busy--;
	prefetch->full_in_a_row = store_is_full(err) ?
					  prefetch->full_in_a_row + 1 : 0;
	if (err < 0) {
		prefetch->stats.failed++;
		prefetch->failed_in_a_row++;
	} else {
		allow_list_note_present(prefetch->allow, &slot->digest);
		prefetch->failed_in_a_row = 0;
		if (!cfs_digest_equal(&prefetch->fetched, &slot->digest))
			prefetch->stats.present++;
	}
	if (prefetch->full_in_a_row >= FULL_AFTER || err == -ESHUTDOWN ||
	    prefetch->failed_in_a_row >= GIVE_UP_AFTER) {
		if (prefetch->next < prefetch->listed.n && err != -ESHUTDOWN)
			log_line(LOG_WARNING,
				 "prefetch given_up=%zu reason=\"%s\"",
				 prefetch->listed.n - prefetch->next,
				 store_is_full(err) ? "the store is full" :
						      "nothing could be fetched");
		forget_listed(prefetch);
	}
	fill(prefetch);
}

/* Ask for one; false if that is not possible now. */
static bool ask(struct prefetch *prefetch, const struct cfs_digest *digest)
{
	const struct allow_entry *entry = allow_list_find(prefetch->allow,
							  digest);
	struct slot *slot = prefetch->free_slots;

	/* The images may have been read anew since it was listed. */
	if (!entry || !entry->images)
		return true;
	slot->waiter.done = object_done;
	slot->digest = *digest;
	if (fetch_object(prefetch->fetcher, digest, entry->size, FETCH_PREFETCH,
			 &slot->waiter) < 0)
		return false;
	prefetch->free_slots = slot->next_free;
	prefetch->n_busy++;
	return true;
}

/* Has this round of the loop had enough of us? */
static bool round_is_full(struct prefetch *prefetch)
{
	uint64_t now_ms = loop_now_ms(prefetch->loop);

	if (now_ms != prefetch->round_ms) {
		prefetch->round_ms = now_ms;
		prefetch->n_in_round = 0;
	}
	return prefetch->n_in_round++ >= MOST_IN_A_ROUND;
}

static void fill(struct prefetch *prefetch)
{
	while (prefetch->free_slots && prefetch->next < prefetch->listed.n) {
		if (round_is_full(prefetch)) {
			loop_timer_start(prefetch->loop, &prefetch->next_round,
					 1);
			return;
		}
		if (!ask(prefetch, &prefetch->listed.digests[prefetch->next]))
			forget_listed(prefetch);
		else
			prefetch->next++;
	}
	if (prefetch->next == prefetch->listed.n)
		forget_listed(prefetch);
	if (prefetch_is_idle(prefetch) && prefetch->idle)
		prefetch->idle(prefetch->context);
}

static void round_begins(struct loop_timer *timer)
{
	fill(container_of(timer, struct prefetch, next_round));
}

int prefetch_new(struct loop *loop, struct fetcher *fetcher, struct allow_list *allow,
		 void (*idle)(void *context), void *context,
		 struct prefetch **ret)
{
	struct prefetch *prefetch = calloc(1, sizeof(*prefetch));

	if (!prefetch)
		return -ENOMEM;
	prefetch->loop = loop;
	prefetch->next_round.expired = round_begins;
	prefetch->fetcher = fetcher;
	prefetch->allow = allow;
	prefetch->idle = idle;
	prefetch->context = context;
	for (size_t i = 0; i < N_SLOTS; i++) {
		prefetch->slots[i].prefetch = prefetch;
		prefetch->slots[i].next_free = prefetch->free_slots;
		prefetch->free_slots = &prefetch->slots[i];
	}
	*ret = prefetch;
	return 0;
}

void prefetch_free(struct prefetch *prefetch)
{
	if (!prefetch)
		return;
	loop_timer_stop(prefetch->loop, &prefetch->next_round);
	forget_listed(prefetch);
	free(prefetch);
}

int prefetch_want(struct prefetch *prefetch, const struct cfs_digest *digest,
		  uint32_t images)
{
	struct allow_entry *entry = allow_list_find(prefetch->allow, digest);
	int err;

	if (!entry || !(entry->images & images)) {
		prefetch->stats.strange++;
		return PREFETCH_STRANGE;
	}
	if (entry->wanted) {
		prefetch->stats.repeated++;
		return PREFETCH_REPEATED;
	}
	err = digest_list_add(&prefetch->listed, digest);
	if (err < 0)
		return err;
	entry->wanted = 1;
	prefetch->stats.listed++;
	prefetch->stats.listed_bytes += allow_list_bytes(prefetch->allow, entry);
	fill(prefetch);
	return 0;
}

void prefetch_event(struct prefetch *prefetch, const struct fetch_event *event)
{
	struct prefetch_stats *stats = &prefetch->stats;
	const struct allow_entry *entry = allow_list_find(prefetch->allow,
							  event->digest);

	if (event->kind == FETCH_PREFETCH) {
		prefetch->fetched = *event->digest;
		stats->fetched++;
		stats->fetched_bytes += event->size;
		stats->late += event->demand_ms > 0;
	} else if (event->demand_ms && entry && !entry->wanted) {
		stats->missed++;
		stats->missed_bytes += event->size;
	}
}

bool prefetch_is_idle(const struct prefetch *prefetch)
{
	return prefetch->n_busy == 0 && prefetch->next == prefetch->listed.n;
}

const struct prefetch_stats *prefetch_stats(const struct prefetch *prefetch)
{
	return &prefetch->stats;
}
