/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mirror's place among those that may be asked: how quick it was, how often it
 * failed, and whether it is silent right now.
 *
 * Quickness is the time that an object would take: that to its first byte, a moving
 * average with a moving mean deviation, the way TCP estimates its round trip (RFC 6298),
 * and that of its bytes, by the pace at which bodies have come.  A body that is still
 * on its way counts, too: a mirror that sends a byte now and then is known before it has
 * sent an object.  What was measured a while ago counts less and less, but for one request
 * at a time: else a mirror that was slow once would not be asked, and so never be
 * measured again; and all would ask it at once.
 *
 * A mirror is silent when requests are out and it has sent nothing, to nobody, for
 * much longer than it usually takes.  That is seen long before the first time
 * limit: a link that swallows packets costs its readers tenths of a second, not
 * ten seconds.
 *
 * Pure bookkeeping over a struct that its owner zeroes; single-threaded.
 */
#ifndef FETCHER_MIRROR_RANK_H
#define FETCHER_MIRROR_RANK_H

#include <stdbool.h>
#include <stdint.h>

/* Mirrors are compared by an object of this size. */
#define MIRROR_RANK_BYTES	((uint64_t)64 << 10)

/**
 * struct mirror_rank - what is known of one mirror
 * @first_byte_ms: moving average; 0: not known
 * @deviation_ms: mean deviation from it
 * @measured_at_ms: when something was last measured
 * @body_ms: what bodies took, recent ones counting most
 * @body_bytes: of these
 * @paced_at_ms: when one was last measured; 0: none was
 * @errors: moving share of requests that failed, in 1/1024
 * @unheard_since_ms: from here on bytes were awaited and none came; 0: none are
 * @wrong_until_ms: it sent wrong bytes
 */
struct mirror_rank {
	uint64_t first_byte_ms;
	uint64_t deviation_ms;
	uint64_t measured_at_ms;
	uint64_t body_ms, body_bytes;
	uint64_t paced_at_ms;
	unsigned int errors;
	uint64_t unheard_since_ms;
	uint64_t wrong_until_ms;
};

/** mirror_rank_sent() - a request is out */
void mirror_rank_sent(struct mirror_rank *rank, uint64_t now_ms);

/** mirror_rank_heard() - bytes came, or a request ended; are others still out? */
void mirror_rank_heard(struct mirror_rank *rank, uint64_t now_ms, bool awaited);

/** mirror_rank_measured() - an answer began that long after its request */
void mirror_rank_measured(struct mirror_rank *rank, uint64_t now_ms,
			  uint64_t first_byte_ms);

/** mirror_rank_paced() - so many bytes of a body came in that time */
void mirror_rank_paced(struct mirror_rank *rank, uint64_t now_ms, uint64_t bytes,
		       uint64_t ms);

/** mirror_rank_expected_ms() - what an object of @bytes would take; 0: not known */
uint64_t mirror_rank_expected_ms(const struct mirror_rank *rank, uint64_t bytes);

/** mirror_rank_counted() - a request has failed, or has not */
void mirror_rank_counted(struct mirror_rank *rank, bool failed);

/** mirror_rank_patience_ms() - an answer is late when it takes longer than this */
uint64_t mirror_rank_patience_ms(const struct mirror_rank *rank);

/** mirror_rank_silent() - is it, now? */
bool mirror_rank_silent(const struct mirror_rank *rank, uint64_t now_ms);

/**
 * mirror_rank_demerits() - more is worse
 * @rank: of this mirror
 * @now_ms: the same clock as everywhere
 * @quickest_ms: what an object of %MIRROR_RANK_BYTES is expected to take from the
 *	quickest mirror that may be asked, or UINT64_MAX
 */
unsigned int mirror_rank_demerits(const struct mirror_rank *rank,
				  uint64_t now_ms, uint64_t quickest_ms);

#endif /* FETCHER_MIRROR_RANK_H */
