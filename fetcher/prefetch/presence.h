/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which of the objects that images name does the store have?  A survey reads the
 * store's 256 folders, a few at a time on a thread of the pool, and marks the
 * allow list's entries; no object is opened, and the loop goes on.
 *
 * Between surveys the marks are as good as what has happened since: objects that
 * this process fetched are marked, those that others brought in or removed are not
 * known of.
 *
 * Ownership: survey_new() gives the caller a survey to survey_free(), at any time;
 * what it is made of is borrowed, the loop and the store until loop_free().  Runs on
 * the loop's thread.
 */
#ifndef FETCHER_PREFETCH_PRESENCE_H
#define FETCHER_PREFETCH_PRESENCE_H

#include <stdbool.h>
#include <stdint.h>

struct allow_list;
struct cfs_store;
struct loop;
struct survey;

/**
 * survey_new() - nothing is known yet
 * @done: called from the loop at the end of each survey, or NULL
 * @context: passed to @done
 * @ret: untouched on failure
 *
 * Return: 0 or -ENOMEM.
 */
int survey_new(struct loop *loop, struct cfs_store *store,
	       struct allow_list *allow, void (*done)(void *context),
	       void *context, struct survey **ret);

/** survey_free() - NULL is allowed */
void survey_free(struct survey *survey);

/** survey_start() - begin, or if one is under way begin anew after it */
void survey_start(struct survey *survey);

/** survey_age_ms() - time since the last whole one; UINT64_MAX: there was none */
uint64_t survey_age_ms(const struct survey *survey);

#endif /* FETCHER_PREFETCH_PRESENCE_H */
