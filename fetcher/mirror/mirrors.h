/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mirrors and what is known of their health.
 *
 *	         3 failures in a row            after 10 s
 *	CLOSED ----------------------> OPEN ------------------> HALF_OPEN
 *	   ^                            ^  |                       |   |
 *	   |            failure         |  | 300 s without news    |   |
 *	   |                            +--+-----------------------+   |
 *	   |                               v                           |
 *	   +-------------------------------+---------------------------+
 *	                                                     success
 *
 *	CLOSED		requests go there
 *	OPEN		none does
 *	HALF_OPEN	one does: the probe
 *
 * A failure is no answer.  A 5xx is an answer, but %MIRROR_OPEN_AFTER_5XX of them in
 * a row count as one too: half of them from a mirror under load must not shut
 * it for ten seconds.
 *
 * A mirror that asks for a pause (429, 503, Retry-After) is not asked before its
 * pause is over, capped at 30 s; that is not a failure.  Among the mirrors that
 * may be asked, these come later: those that sent wrong bytes in the last 300 s,
 * that are silent, that fail often, from which an object takes at least twice as long
 * as from the quickest (rank.h), or that have half of all requests in flight.  Else the
 * administrator's order stands.
 *
 * A request that is late, or whose bytes come so slowly that another mirror would have
 * all of them sooner, may be sent to a second mirror as well: one in twenty, but any number
 * when the first one has fallen silent and others have not.
 *
 * Pure bookkeeping: no I/O, no clock, no randomness of its own.  Ownership:
 * mirrors_new() gives the caller a set to mirrors_free().  Single-threaded.
 */
#ifndef FETCHER_MIRROR_MIRRORS_H
#define FETCHER_MIRROR_MIRRORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fetcher/http/stats.h"

struct fetch_config;
struct mirrors;

enum mirror_state {
	MIRROR_CLOSED,
	MIRROR_OPEN,
	MIRROR_HALF_OPEN,
};

enum {
	MIRRORS_WAIT = 1,	/* mirrors_pick(): none may be asked now */
	MIRRORS_NONE = 2,	/* mirrors_pick(): every one is in @skip */
};

#define MIRROR_OPEN_AFTER	3
#define MIRROR_OPEN_AFTER_5XX	16
#define MIRROR_FORGET_MS	300000
#define MIRROR_PAUSE_MAX_MS	30000

/**
 * mirrors_new() - a set of mirrors in good health
 * @config: their URLs; copied
 * @ret: the set, owned by the caller; untouched on failure
 *
 * Return: 0, -EINVAL if there is no mirror, or -ENOMEM.
 */
int mirrors_new(const struct fetch_config *config, struct mirrors **ret);

/** mirrors_free() - NULL is allowed */
void mirrors_free(struct mirrors *mirrors);

/** mirrors_count() - how many; they are numbered from 0 in the given order */
size_t mirrors_count(const struct mirrors *mirrors);

/** mirrors_url() - base URL; borrowed, without a slash at the end */
const char *mirrors_url(const struct mirrors *mirrors, size_t i);

/** mirrors_recoveries() - how often one of them that was avoided answered again */
uint64_t mirrors_recoveries(const struct mirrors *mirrors);

/** mirrors_state() - as a status page shows it */
enum mirror_state mirrors_state(const struct mirrors *mirrors, size_t i,
				uint64_t now_ms);

/** mirrors_answered() - has any of them ever answered a request that was reported? */
bool mirrors_answered(const struct mirrors *mirrors);

/** mirrors_stats() - counters of one mirror; borrowed, may be written to */
struct mirror_stats *mirrors_stats(struct mirrors *mirrors, size_t i);

/**
 * mirrors_pick() - which mirror to ask now
 * @mirrors: the set
 * @now_ms: the loop's clock
 * @skip: bit i set: mirror i is of no use for this request
 * @ret: its number; what was picked must be followed by mirrors_report()
 * @ret_at_ms: when to ask again, if MIRRORS_WAIT; UINT64_MAX: when a request in
 *	flight has been reported
 *
 * Return: 0, MIRRORS_WAIT or MIRRORS_NONE.
 */
int mirrors_pick(struct mirrors *mirrors, uint64_t now_ms, uint32_t skip,
		 size_t *ret, uint64_t *ret_at_ms);

/** mirrors_patience_ms() - after which time without an answer a second mirror is
 *	worth a request; UINT64_MAX: there is none, or it is not wanted
 */
uint64_t mirrors_patience_ms(const struct mirrors *mirrors, size_t i);

/**
 * mirrors_pick_second() - which mirror to ask beside one that is late
 * @mirrors: the set
 * @now_ms: the loop's clock
 * @first: the one that is late
 * @skip: as for mirrors_pick()
 * @sure: the other one was measured to be much quicker: no credit is needed
 * @ret: its number; what was picked must be followed by mirrors_report()
 *
 * Return: 0, MIRRORS_WAIT (enough requests were doubled; later, perhaps) or
 * MIRRORS_NONE (no other may be asked now).
 */
int mirrors_pick_second(struct mirrors *mirrors, uint64_t now_ms, size_t first,
			uint32_t skip, bool sure, size_t *ret);

/**
 * mirrors_may_double() - as mirrors_pick_second(), for who picks later
 *
 * Return: may a request that @first has be sent to another one?  Takes a credit.
 */
bool mirrors_may_double(struct mirrors *mirrors, uint64_t now_ms, size_t first,
			bool sure);

/**
 * mirrors_expected_ms() - what a GET would take, of the mirror that is best for it
 * @mirrors: the set
 * @now_ms: the loop's clock
 * @skip: bit i set: not of mirror i
 * @bytes: of the object, or of what is left of it
 * @ret_measured: it was measured a moment ago; else it is a guess
 *
 * Return: milliseconds; UINT64_MAX: none may be asked.
 */
uint64_t mirrors_expected_ms(const struct mirrors *mirrors, uint64_t now_ms,
			     uint32_t skip, uint64_t bytes, bool *ret_measured);

/** mirrors_paced() - in @ms so many @bytes of a body came, which may go on */
void mirrors_paced(struct mirrors *mirrors, size_t i, uint64_t now_ms,
		   uint64_t bytes, uint64_t ms);

/** mirrors_heard() - bytes came from it */
void mirrors_heard(struct mirrors *mirrors, size_t i, uint64_t now_ms);

/** mirrors_heard_since() - has it sent anything since then?  A request is out */
bool mirrors_heard_since(const struct mirrors *mirrors, size_t i,
			 uint64_t since_ms);

/** mirrors_silent() - does it owe answers, and send nothing to anybody? */
bool mirrors_silent(const struct mirrors *mirrors, size_t i, uint64_t now_ms);

/**
 * mirrors_report() - how the request ended
 * @mirrors: the set
 * @i: from mirrors_pick()
 * @now_ms: the loop's clock
 * @result: how it ended
 * @first_byte_ms: time to the first byte, if the result is an answer
 * @pause_ms: what Retry-After said, or 0
 *
 * An answer of any kind (also 404, also wrong bytes) is a sign of life.  Counts the
 * result.
 *
 * Return: true if a probe has ended: mirrors_pick() may answer otherwise now.
 */
bool mirrors_report(struct mirrors *mirrors, size_t i, uint64_t now_ms,
		    enum fetch_result result, uint64_t first_byte_ms,
		    uint64_t pause_ms);

/**
 * mirrors_resumed() - the process was stopped, or the machine suspended
 *
 * What was known of silent mirrors is forgotten, and the requests in flight, whose
 * connections may be gone, count for no failures.
 */
void mirrors_resumed(struct mirrors *mirrors);

/**
 * mirrors_blame() - what came from a mirror does not have its digest
 *
 * After mirrors_report(): it is known only when the last byte was hashed.
 */
void mirrors_blame(struct mirrors *mirrors, size_t i, uint64_t now_ms);

/**
 * mirrors_backoff_ms() - how long a fetch waits before its next round
 * @round: rounds over all mirrors that have failed, from 1
 * @random: 32 random bits
 *
 * Doubles from 0.1 s to 10 s; what comes back is between half and all of that.
 */
uint64_t mirrors_backoff_ms(unsigned int round, uint32_t random);

#endif /* FETCHER_MIRROR_MIRRORS_H */
