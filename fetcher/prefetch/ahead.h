/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that is done ahead of readers, and what is learnt from them for the
 * next time:
 *
 *	recorder.h	what was used first, and when
 *	fetcher/pack/pack.h	the packs of each image that is or comes into the store
 *	fetcher/profile/find.h	where there is no pack, the profiles of it
 *	prefetch.h	what they list
 *	presence.h	what the store has
 *	complete.h	the rest (--complete), when no profile is searched or fetched
 *
 * Which profiles: by default what an earlier start recorded, and the one without a
 * name; else those that were asked for.
 *
 * Ownership: ahead_new() gives the caller one to ahead_free(), after
 * fetcher_stop() and before fetcher_free(); what it is made of is borrowed.  Runs
 * on the loop's thread.
 */
#ifndef FETCHER_PREFETCH_AHEAD_H
#define FETCHER_PREFETCH_AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/verity/digest.h"
#include "fetcher/prefetch/complete.h"
#include "fetcher/prefetch/prefetch.h"

struct ahead;
struct allow_scan;
struct cfs_store;
struct fetch_event;
struct fetcher;
struct loop;

#define AHEAD_SOURCES	8

/**
 * struct ahead_options - what was asked for
 * @profiles: names, or files if there is a slash; owned
 * @record: file of --record, or NULL
 */
struct ahead_options {
	const char **profiles;
	size_t n_profiles;
	bool no_prefetch;
	const char *record;
	bool complete;
	uint64_t complete_rate;		/* bytes a second; 0: no limit */
};

/* A profile that was searched for. */
struct ahead_source {
	struct cfs_digest image;	/* all zero: a file given on the command line */
	char name[32];			/* cut; "": the one without */
	char where[96];			/* cut; "": nowhere */
	uint64_t digests, bad_lines;
};

/**
 * ahead_new() - made, and files of the command line read
 * @options: borrowed
 * @ret: untouched on failure
 * @ret_what: on failure what went wrong with, borrowed; else untouched
 *
 * Return: 0, -ENOMEM or -errno.
 */
int ahead_new(struct loop *loop, struct cfs_store *store,
	      struct allow_scan *scan, struct fetcher *fetcher,
	      const struct ahead_options *options, struct ahead **ret,
	      const char **ret_what);

/** ahead_start() - begin; the mount is there */
void ahead_start(struct ahead *ahead);

/** ahead_stop() - begin nothing any more; before fetcher_stop() */
void ahead_stop(struct ahead *ahead);

/** ahead_free() - NULL is allowed */
void ahead_free(struct ahead *ahead);

/** ahead_event() - some fetch ended without error */
void ahead_event(struct ahead *ahead, const struct fetch_event *event);

/** ahead_images_read() - all images were read anew */
void ahead_images_read(struct ahead *ahead);

/** ahead_objects_removed() - the store may have fewer objects than is known */
void ahead_objects_removed(struct ahead *ahead);

/** ahead_look() - somebody looks at the status: let a new survey begin if need be */
void ahead_look(struct ahead *ahead);

/* ---- for the status ---- */

const struct prefetch_stats *ahead_prefetch(const struct ahead *ahead);
bool ahead_prefetch_is_on(const struct ahead *ahead);
bool ahead_prefetch_is_idle(const struct ahead *ahead);
enum complete_state ahead_complete(const struct ahead *ahead);
size_t ahead_recorded(const struct ahead *ahead);

/** ahead_survey_age_ms() - UINT64_MAX: what the store has is not known yet */
uint64_t ahead_survey_age_ms(const struct ahead *ahead);

/** ahead_sources() - the last AHEAD_SOURCES at most; borrowed */
const struct ahead_source *ahead_sources(const struct ahead *ahead,
					 size_t *ret_n);

#endif /* FETCHER_PREFETCH_AHEAD_H */
