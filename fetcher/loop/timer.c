// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The loop's timers: a pairing heap, whose nodes are the timers themselves, so
 * that starting one can't fail.
 *
 * Each timer's children are later than itself.  prev is the sibling before, or
 * for the first child the parent; for the earliest of all it is NULL.
 */
#include "fetcher/loop/backend.h"

static struct loop_timer *merge(struct loop_timer *a, struct loop_timer *b)
{
	if (!a || !b)
		return a ? a : b;
	if (b->at_ms < a->at_ms) {
		struct loop_timer *earlier = b;

		b = a;
		a = earlier;
	}
	b->prev = a;
	b->next = a->child;
	if (b->next)
		b->next->prev = b;
	a->child = b;
	return a;
}

/* Siblings in pairs from the left, then the pairs from the right. */
static struct loop_timer *merge_siblings(struct loop_timer *first)
{
	struct loop_timer *pairs = NULL, *root = NULL;

	while (first) {
		struct loop_timer *second = first->next;
		struct loop_timer *rest = second ? second->next : NULL;
		struct loop_timer *pair;

		first->next = NULL;
		if (second)
			second->next = NULL;
		pair = merge(first, second);
		pair->next = pairs;
		pairs = pair;
		first = rest;
	}
	while (pairs) {
		struct loop_timer *pair = pairs;

		pairs = pair->next;
		pair->next = NULL;
		root = merge(root, pair);
	}
	if (root)
		root->prev = NULL;
	return root;
}

void loop_timer_start(struct loop *loop, struct loop_timer *timer, uint64_t ms)
{
	loop_timer_stop(loop, timer);
	timer->at_ms = loop_now_ms(loop) + ms;
	timer->running = true;
	timer->child = NULL;
	timer->next = NULL;
	timer->prev = NULL;
	loop->timers = merge(loop->timers, timer);
	loop->n_timers++;
}

void loop_timer_stop(struct loop *loop, struct loop_timer *timer)
{
	if (!timer->running)
		return;
	timer->running = false;
	loop->n_timers--;
	if (timer == loop->timers) {
		loop->timers = merge_siblings(timer->child);
		return;
	}
	if (timer->prev->child == timer)
		timer->prev->child = timer->next;
	else
		timer->prev->next = timer->next;
	if (timer->next)
		timer->next->prev = timer->prev;
	loop->timers = merge(loop->timers, merge_siblings(timer->child));
}
