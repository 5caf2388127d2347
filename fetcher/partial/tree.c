// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When a mirror's tree is not worth having.  It only lets readers have their blocks
 * before the whole is here: what keeps them waiting, or is no good, is done without.
 */
#include "fetcher/mirror/mirrors.h"
#include "fetcher/mirror/offers.h"
#include "fetcher/partial/internal.h"

/* A part of the tree that took so long has to have come at this pace. */
#define LATE_MS			3000
#define BYTES_PER_MS		16

/* A mirror with a tree that may not be asked for so long is not waited for. */
#define NOT_NOW_MS		1000

static struct fetcher *fetcher_of(const struct partial *partial)
{
	return partial->partials->fetcher;
}

/* Without the tree blocks that were checked with it would be lost. */
static bool has_blocks(const struct partial *partial)
{
	return partial->map.bits[PARTIAL_DATA].here.n_set;
}

bool partial_tree_is_late(const struct partial_range *range)
{
	const struct fetcher *fetcher = fetcher_of(range->partial);
	uint64_t ms = loop_now_ms(fetcher->loop) - range->sent_ms;
	uint64_t late_ms = LATE_MS;

	/* There has to be time left for the object itself. */
	if (!fetcher->config->hard && fetcher->config->deadline_ms / 3 < late_ms)
		late_ms = fetcher->config->deadline_ms / 3;
	return range->span.kind == PARTIAL_NODES && range->active &&
	       !has_blocks(range->partial) && ms >= late_ms &&
	       range->nodes_len < ms * BYTES_PER_MS;
}

bool partial_tree_is_not_now(const struct partial *partial, uint64_t at_ms)
{
	const struct fetcher *fetcher = fetcher_of(partial);
	uint64_t now_ms = loop_now_ms(fetcher->loop);
	bool measured;

	return !has_blocks(partial) && at_ms > now_ms + NOT_NOW_MS &&
	       mirrors_expected_ms(fetcher->mirrors, now_ms,
				   partial->round.skip | partial->no_parts,
				   partial->size, &measured) != UINT64_MAX;
}

bool partial_tree_is_bad(const struct partial_range *range,
			 enum fetch_result result)
{
	if (range->span.kind != PARTIAL_NODES)
		return false;
	switch (result) {
	case FETCH_RESULT_MISSING:
	case FETCH_RESULT_DENIED:
	case FETCH_RESULT_RANGE:
	case FETCH_RESULT_BAD_SIZE:
	case FETCH_RESULT_BAD_DIGEST:
	case FETCH_RESULT_REDIRECT:
		return true;
	case FETCH_RESULT_TIMEOUT:
	case FETCH_RESULT_UNREACHABLE:
	case FETCH_RESULT_TLS:
	case FETCH_RESULT_SHORT:
	case FETCH_RESULT_STATUS:
	case FETCH_RESULT_BUSY:
	case FETCH_RESULT_PROTOCOL:
		/* It may be over soon. */
		return !has_blocks(range->partial);
	default:
		return false;
	}
}

void partial_tree_give_up(struct partial_range *range, enum fetch_result result)
{
	struct partial *partial = range->partial;

	partial->no_tree |= (uint32_t)1 << range->mirror;
	switch (result) {
	case FETCH_RESULT_MISSING:
	case FETCH_RESULT_DENIED:
		/* Not every object has one; a bucket denies what it lacks. */
	case FETCH_RESULT_UNREACHABLE:
	case FETCH_RESULT_TLS:
		break;
	default:
		mirror_offers_broken(fetcher_of(partial)->offers, range->mirror,
				     CFS_MIRROR_VERITY);
	}
}
