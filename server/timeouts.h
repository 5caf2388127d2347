/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time limits of equal length, in the order in which they run out.
 *
 * All limits of one list are equally long, so a new one always belongs at the
 * end: setting, clearing and finding the next cost the same for one as for
 * thousands.
 *
 * Ownership: a struct timeout lives in its owner's memory, is zero at first, and
 * must be cleared before that memory goes.
 *
 * Single-threaded.
 */
#ifndef SERVER_TIMEOUTS_H
#define SERVER_TIMEOUTS_H

#include <stddef.h>
#include <stdint.h>

struct timeout_list;

struct timeout {
	struct timeout_list *list;	/* NULL: not set */
	struct timeout *prev, *next;
	int64_t due_ms;
};

struct timeout_list {
	int64_t after_ms;
	struct timeout *first, *last;
};

static inline void timeout_clear(struct timeout *timeout)
{
	struct timeout_list *list = timeout->list;

	if (!list)
		return;
	*(timeout->prev ? &timeout->prev->next : &list->first) = timeout->next;
	*(timeout->next ? &timeout->next->prev : &list->last) = timeout->prev;
	timeout->list = NULL;
}

/* Start a limit anew, whatever it was before. */
static inline void timeout_set(struct timeout *timeout,
			       struct timeout_list *list, int64_t now_ms)
{
	timeout_clear(timeout);
	timeout->list = list;
	timeout->due_ms = now_ms + list->after_ms;
	timeout->prev = list->last;
	timeout->next = NULL;
	*(list->last ? &list->last->next : &list->first) = timeout;
	list->last = timeout;
}

/* The next limit that has run out, cleared; or NULL. */
static inline struct timeout *timeout_take_due(struct timeout_list *list,
					       int64_t now_ms)
{
	struct timeout *first = list->first;

	if (!first || first->due_ms > now_ms)
		return NULL;
	timeout_clear(first);
	return first;
}

#endif /* SERVER_TIMEOUTS_H */
