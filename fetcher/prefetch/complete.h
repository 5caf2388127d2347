/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fetch all the rest of what images name, so that the network is never needed
 * again.
 *
 *	LAZY ----> RUNNING -----> COMPLETE
 *	            |    ^          |
 *	   some     v    | 60 s     | a survey finds something missing
 *	   failed  PAUSED <---------+
 *
 *	LAZY		not begun: complete_go() was not called yet
 *	RUNNING		each object that is not known to be in the store is fetched
 *	PAUSED		every one was asked for; some could not be had
 *	COMPLETE	the store has every object that images name
 *
 * It stands back behind readers and prefetch (FETCH_BACKGROUND), and keeps to its
 * rate.
 *
 * Ownership: complete_new() gives the caller one to complete_free(); what it is
 * made of is borrowed.  Runs on the loop's thread.
 */
#ifndef FETCHER_PREFETCH_COMPLETE_H
#define FETCHER_PREFETCH_COMPLETE_H

#include <stdint.h>

struct allow_list;
struct complete;
struct fetcher;
struct loop;

enum complete_state {
	COMPLETE_LAZY,
	COMPLETE_RUNNING,
	COMPLETE_PAUSED,
	COMPLETE_DONE,
};

/**
 * complete_new() - not begun
 * @rate: bytes a second; 0: no limit
 * @ret: untouched on failure
 *
 * Return: 0 or -ENOMEM.
 */
int complete_new(struct loop *loop, struct fetcher *fetcher,
		 struct allow_list *allow, uint64_t rate,
		 struct complete **ret);

/** complete_free() - nothing is under way (fetcher_stop()); NULL is allowed */
void complete_free(struct complete *complete);

/** complete_go() - go on with what is missing, if anything is */
void complete_go(struct complete *complete);

/** complete_state() - as a status shows it */
enum complete_state complete_state(const struct complete *complete);

/** complete_failed() - objects of the last pass that could not be had */
uint64_t complete_failed(const struct complete *complete);

#endif /* FETCHER_PREFETCH_COMPLETE_H */
