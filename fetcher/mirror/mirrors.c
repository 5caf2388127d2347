// SPDX-License-Identifier: GPL-2.0-or-later
/* Which mirror to ask: breakers, pauses and the order among the healthy. */
#include "fetcher/mirror/mirrors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fetcher/http/config.h"
#include "fetcher/mirror/rank.h"

#define BACKOFF_MIN_MS	100
#define BACKOFF_MAX_MS	10000

/* Of the requests, one in so many may be sent to a second mirror; at first some more. */
#define HEDGE_ONE_IN	20
#define HEDGE_BURST	(16 * HEDGE_ONE_IN)

/* What is expected of a mirror that was never asked. */
#define UNKNOWN_MS	250
/* What was measured so long ago at most is worth a request without a credit. */
#define MEASURED_MS	10000

struct mirror {
	char *url;
	unsigned int failures;		/* without an answer, in a row */
	unsigned int failures_5xx;	/* in a row */
	bool open;
	unsigned int excused;		/* reports that count for no failure */
	bool probing;			/* the one request of HALF_OPEN is out */
	uint64_t probe_at_ms;		/* open: when a probe may go */
	uint64_t heard_at_ms;		/* last failure or answer */
	uint64_t pause_until_ms;	/* it asked for that */
	struct mirror_rank rank;
	struct mirror_stats stats;
};

struct mirrors {
	size_t n;
	uint64_t probe_ms;
	unsigned int share;		/* half of all requests that may be out */
	bool no_hedge;
	unsigned int hedge_credit;	/* a second request costs HEDGE_ONE_IN of it */
	uint64_t recoveries;
	struct mirror mirror[];
};

int mirrors_new(const struct fetch_config *config, struct mirrors **ret)
{
	struct mirrors *mirrors;
	size_t i;

	if (config->n_mirrors == 0)
		return -EINVAL;
	mirrors = calloc(1, sizeof(*mirrors) +
			    config->n_mirrors * sizeof(mirrors->mirror[0]));
	if (!mirrors)
		return -ENOMEM;
	mirrors->probe_ms = config->probe_ms;
	mirrors->share = (config->max_transfers + 1) / 2;
	mirrors->no_hedge = config->no_hedge;
	mirrors->hedge_credit = HEDGE_BURST;
	for (i = 0; i < config->n_mirrors; i++) {
		mirrors->mirror[i].url = strdup(config->mirrors[i]);
		if (!mirrors->mirror[i].url) {
			mirrors_free(mirrors);
			return -ENOMEM;
		}
		mirrors->n++;
	}
	*ret = mirrors;
	return 0;
}

void mirrors_free(struct mirrors *mirrors)
{
	size_t i;

	if (!mirrors)
		return;
	for (i = 0; i < mirrors->n; i++)
		free(mirrors->mirror[i].url);
	free(mirrors);
}

size_t mirrors_count(const struct mirrors *mirrors)
{
	return mirrors->n;
}

const char *mirrors_url(const struct mirrors *mirrors, size_t i)
{
	return mirrors->mirror[i].url;
}

struct mirror_stats *mirrors_stats(struct mirrors *mirrors, size_t i)
{
	return &mirrors->mirror[i].stats;
}

uint64_t mirrors_recoveries(const struct mirrors *mirrors)
{
	return mirrors->recoveries;
}

/* What happened so long ago says nothing about now. */
static void forget(struct mirror *mirror, uint64_t now_ms)
{
	if (mirror->probing || now_ms < mirror->heard_at_ms + MIRROR_FORGET_MS)
		return;
	mirror->open = false;
	mirror->failures = 0;
	mirror->failures_5xx = 0;
	mirror->rank = (struct mirror_rank){
		.wrong_until_ms = mirror->rank.wrong_until_ms,
		.unheard_since_ms = mirror->rank.unheard_since_ms,
	};
}

static enum mirror_state state_of(const struct mirror *mirror, uint64_t now_ms)
{
	if (!mirror->open)
		return MIRROR_CLOSED;
	return mirror->probing || now_ms >= mirror->probe_at_ms ?
		       MIRROR_HALF_OPEN : MIRROR_OPEN;
}

enum mirror_state mirrors_state(const struct mirrors *mirrors, size_t i,
				uint64_t now_ms)
{
	struct mirror mirror = mirrors->mirror[i];

	forget(&mirror, now_ms);
	return state_of(&mirror, now_ms);
}

/* When the mirror may be asked: now or earlier, later, or not known. */
static uint64_t ready_at(const struct mirror *mirror, uint64_t now_ms)
{
	uint64_t at_ms = mirror->pause_until_ms;

	switch (state_of(mirror, now_ms)) {
	case MIRROR_CLOSED:
		break;
	case MIRROR_OPEN:
		if (mirror->probe_at_ms > at_ms)
			at_ms = mirror->probe_at_ms;
		break;
	case MIRROR_HALF_OPEN:
		if (mirror->probing)
			return UINT64_MAX;
		break;
	}
	return at_ms;
}

/* What the quickest mirror that may be asked is expected to take; one never asked has to
 * show it first.
 */
static uint64_t quickest_ms(const struct mirrors *mirrors, uint64_t now_ms)
{
	uint64_t best = UINT64_MAX;
	size_t i;

	for (i = 0; i < mirrors->n; i++) {
		const struct mirror *mirror = &mirrors->mirror[i];
		uint64_t ms = mirror_rank_expected_ms(&mirror->rank,
						      MIRROR_RANK_BYTES);

		if (!ms)
			ms = UNKNOWN_MS;
		if (ms < best && ready_at(mirror, now_ms) <= now_ms)
			best = ms;
	}
	return best;
}

uint64_t mirrors_expected_ms(const struct mirrors *mirrors, uint64_t now_ms,
			     uint32_t skip, uint64_t bytes, bool *ret_measured)
{
	uint64_t best = UINT64_MAX;

	*ret_measured = false;
	for (size_t i = 0; i < mirrors->n; i++) {
		const struct mirror *mirror = &mirrors->mirror[i];
		const struct mirror_rank *rank = &mirror->rank;
		uint64_t ms = mirror_rank_expected_ms(rank, bytes);
		bool measured = ms && now_ms < rank->measured_at_ms + MEASURED_MS;

		if (skip >> i & 1 || ready_at(mirror, now_ms) > now_ms ||
		    mirror_rank_silent(rank, now_ms) ||
		    now_ms < rank->wrong_until_ms)
			continue;
		if (!ms)
			ms = UNKNOWN_MS;
		if (ms >= best)
			continue;
		best = ms;
		*ret_measured = measured;
	}
	return best;
}

void mirrors_paced(struct mirrors *mirrors, size_t i, uint64_t now_ms,
		   uint64_t bytes, uint64_t ms)
{
	mirrors->mirror[i].heard_at_ms = now_ms;
	mirror_rank_paced(&mirrors->mirror[i].rank, now_ms, bytes, ms);
}

int mirrors_pick(struct mirrors *mirrors, uint64_t now_ms, uint32_t skip,
		 size_t *ret, uint64_t *ret_at_ms)
{
	unsigned int best_demerits = UINT32_MAX;
	uint64_t quickest, at_ms = UINT64_MAX;
	struct mirror *best = NULL;
	bool any = false;
	size_t i;

	for (i = 0; i < mirrors->n; i++)
		forget(&mirrors->mirror[i], now_ms);
	quickest = quickest_ms(mirrors, now_ms);
	for (i = 0; i < mirrors->n; i++) {
		struct mirror *mirror = &mirrors->mirror[i];
		uint64_t ready_ms;
		unsigned int n;

		if (skip & (uint32_t)1 << i)
			continue;
		any = true;
		ready_ms = ready_at(mirror, now_ms);
		if (ready_ms > now_ms) {
			if (ready_ms < at_ms)
				at_ms = ready_ms;
			continue;
		}
		n = mirror_rank_demerits(&mirror->rank, now_ms, quickest) +
		    (mirror->stats.in_flight >= mirrors->share);
		if (n < best_demerits) {
			best_demerits = n;
			best = mirror;
		}
	}
	if (!best) {
		if (!any)
			return MIRRORS_NONE;
		*ret_at_ms = at_ms;
		return MIRRORS_WAIT;
	}
	if (best->open)
		best->probing = true;
	best->stats.requests++;
	best->stats.in_flight++;
	mirror_rank_sent(&best->rank, now_ms);
	if (mirrors->hedge_credit < HEDGE_BURST)
		mirrors->hedge_credit++;
	*ret = best - mirrors->mirror;
	return 0;
}

uint64_t mirrors_patience_ms(const struct mirrors *mirrors, size_t i)
{
	return mirrors->n > 1 && !mirrors->no_hedge ?
		       mirror_rank_patience_ms(&mirrors->mirror[i].rank) :
		       UINT64_MAX;
}

/* Do all others owe answers as well?  Then it is not that mirror that is silent. */
static bool all_silent(const struct mirrors *mirrors, uint64_t now_ms,
		       size_t but)
{
	for (size_t i = 0; i < mirrors->n; i++)
		if (i != but && !mirrors_silent(mirrors, i, now_ms))
			return false;
	return true;
}

bool mirrors_may_double(struct mirrors *mirrors, uint64_t now_ms, size_t first,
			bool sure)
{
	if (sure || (mirrors_silent(mirrors, first, now_ms) &&
		     !all_silent(mirrors, now_ms, first)))
		return true;
	if (mirrors->hedge_credit < HEDGE_ONE_IN)
		return false;
	mirrors->hedge_credit -= HEDGE_ONE_IN;
	return true;
}

int mirrors_pick_second(struct mirrors *mirrors, uint64_t now_ms, size_t first,
			uint32_t skip, bool sure, size_t *ret)
{
	unsigned int credit = mirrors->hedge_credit;
	uint64_t at_ms;

	if (!mirrors_may_double(mirrors, now_ms, first, sure))
		return MIRRORS_WAIT;
	if (mirrors_pick(mirrors, now_ms, skip | (uint32_t)1 << first, ret,
			 &at_ms) != 0) {
		mirrors->hedge_credit = credit;
		return MIRRORS_NONE;
	}
	return 0;
}

bool mirrors_silent(const struct mirrors *mirrors, size_t i, uint64_t now_ms)
{
	return mirror_rank_silent(&mirrors->mirror[i].rank, now_ms);
}

bool mirrors_heard_since(const struct mirrors *mirrors, size_t i,
			 uint64_t since_ms)
{
	return mirrors->mirror[i].rank.unheard_since_ms > since_ms;
}

void mirrors_heard(struct mirrors *mirrors, size_t i, uint64_t now_ms)
{
	mirror_rank_heard(&mirrors->mirror[i].rank, now_ms, true);
}

static void opened(const struct mirrors *mirrors, struct mirror *mirror,
		   uint64_t now_ms)
{
	mirror->open = true;
	mirror->probe_at_ms = now_ms + mirrors->probe_ms;
}

void mirrors_resumed(struct mirrors *mirrors)
{
	for (size_t i = 0; i < mirrors->n; i++) {
		struct mirror *mirror = &mirrors->mirror[i];

		mirrors->recoveries += mirror->open;
		mirror->open = false;
		mirror->failures = 0;
		mirror->excused = mirror->stats.in_flight;
	}
}

static void failed(const struct mirrors *mirrors, struct mirror *mirror,
		   uint64_t now_ms)
{
	if (++mirror->failures >= MIRROR_OPEN_AFTER || mirror->open)
		opened(mirrors, mirror, now_ms);
}

static void failed_5xx(struct mirrors *mirrors, struct mirror *mirror,
		       uint64_t now_ms)
{
	mirrors->recoveries += mirror->open;
	mirror->failures = 0;
	mirror->open = false;
	if (++mirror->failures_5xx >= MIRROR_OPEN_AFTER_5XX)
		opened(mirrors, mirror, now_ms);
}

static void answered(struct mirrors *mirrors, struct mirror *mirror,
		     uint64_t now_ms, uint64_t first_byte_ms)
{
	mirrors->recoveries += mirror->open;
	mirror->failures = 0;
	mirror->failures_5xx = 0;
	mirror->open = false;
	mirror_rank_measured(&mirror->rank, now_ms, first_byte_ms);
}

/* Did the mirror do its work?  An object that it lacks is no failure of its. */
static bool is_failure(enum fetch_result result)
{
	return result != FETCH_RESULT_OK &&
	       result != FETCH_RESULT_NOT_MODIFIED &&
	       result != FETCH_RESULT_MISSING &&
	       result != FETCH_RESULT_DENIED && result != FETCH_RESULT_PROXY;
}

static bool is_answer(enum fetch_result result)
{
	return result != FETCH_RESULT_CANCELLED &&
	       result != FETCH_RESULT_LOCAL &&
	       result != FETCH_RESULT_DESCRIPTORS &&
	       result != FETCH_RESULT_TIMEOUT &&
	       result != FETCH_RESULT_UNREACHABLE;
}

bool mirrors_answered(const struct mirrors *mirrors)
{
	for (size_t i = 0; i < mirrors->n; i++)
		for (int result = 0; result < N_FETCH_RESULTS; result++)
			if (is_answer(result) &&
			    mirrors->mirror[i].stats.results[result])
				return true;
	return false;
}

bool mirrors_report(struct mirrors *mirrors, size_t i, uint64_t now_ms,
		    enum fetch_result result, uint64_t first_byte_ms,
		    uint64_t pause_ms)
{
	struct mirror *mirror = &mirrors->mirror[i];
	bool probe = mirror->probing;
	bool excused = mirror->excused > 0;

	mirror->excused -= excused;
	mirror->stats.in_flight--;
	mirror->stats.results[result]++;
	mirror->probing = false;
	if (result != FETCH_RESULT_CANCELLED && result != FETCH_RESULT_LOCAL &&
	    result != FETCH_RESULT_DESCRIPTORS && !excused)
		mirror_rank_counted(&mirror->rank, is_failure(result));
	if (mirror->stats.in_flight == 0 || is_answer(result))
		mirror_rank_heard(&mirror->rank, now_ms,
				  mirror->stats.in_flight > 0);
	switch (result) {
	case FETCH_RESULT_UNREACHABLE:
	case FETCH_RESULT_TIMEOUT:
	case FETCH_RESULT_TLS:
	case FETCH_RESULT_PROTOCOL:
		mirror->heard_at_ms = now_ms;
		if (!excused)
			failed(mirrors, mirror, now_ms);
		break;
	case FETCH_RESULT_STATUS:
		mirror->heard_at_ms = now_ms;
		failed_5xx(mirrors, mirror, now_ms);
		break;
	case FETCH_RESULT_BUSY:
		mirror->heard_at_ms = now_ms;
		failed_5xx(mirrors, mirror, now_ms);
		if (pause_ms > MIRROR_PAUSE_MAX_MS)
			pause_ms = MIRROR_PAUSE_MAX_MS;
		if (now_ms + pause_ms > mirror->pause_until_ms)
			mirror->pause_until_ms = now_ms + pause_ms;
		break;
	case FETCH_RESULT_BAD_SIZE:
		mirror->rank.wrong_until_ms = now_ms + MIRROR_FORGET_MS;
		__attribute__((fallthrough));
	case FETCH_RESULT_OK:
	case FETCH_RESULT_NOT_MODIFIED:
	case FETCH_RESULT_MISSING:
	case FETCH_RESULT_DENIED:
	case FETCH_RESULT_SHORT:
	case FETCH_RESULT_RANGE:
	case FETCH_RESULT_REDIRECT:
		mirror->heard_at_ms = now_ms;
		answered(mirrors, mirror, now_ms, first_byte_ms);
		break;
	case FETCH_RESULT_CANCELLED:
	case FETCH_RESULT_LOCAL:
	case FETCH_RESULT_DESCRIPTORS:
	case FETCH_RESULT_PROXY:
	case FETCH_RESULT_BAD_DIGEST:
	case N_FETCH_RESULTS:
		/* Says nothing about the mirror. */
		break;
	}
	return probe;
}

void mirrors_blame(struct mirrors *mirrors, size_t i, uint64_t now_ms)
{
	mirrors->mirror[i].stats.results[FETCH_RESULT_BAD_DIGEST]++;
	mirrors->mirror[i].rank.wrong_until_ms = now_ms + MIRROR_FORGET_MS;
}

uint64_t mirrors_backoff_ms(unsigned int round, uint32_t random)
{
	uint64_t ms = BACKOFF_MIN_MS;

	while (--round > 0 && ms < BACKOFF_MAX_MS)
		ms *= 2;
	if (ms > BACKOFF_MAX_MS)
		ms = BACKOFF_MAX_MS;
	return ms / 2 + ms / 2 * (uint64_t)random / UINT32_MAX;
}
