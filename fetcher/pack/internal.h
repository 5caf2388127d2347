/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of a pack's fetch, what its files share:
 *
 *	pack.c	from the search for the pack to its end
 *	claim.c	which stream brings which frames
 *	stream.c	one connection's bytes into objects
 *	arrival.c	when an object will be here
 *	trial.c	whether it would be here sooner without the pack
 *
 * The frames of the file, as the streams share them out:
 *
 *	done | stream 1 | stream 2 | stream 3 | not claimed yet
 *	                                      ^ next_part
 *
 * A stream claims a few frames in a row; when it is through it claims the next ones,
 * with the GET that it has if they follow, else with another.  The one that asked for
 * the whole file does so only if no other is left, since it has to end its connection.
 */
#ifndef FETCHER_PACK_INTERNAL_H
#define FETCHER_PACK_INTERNAL_H

#include <sys/queue.h>

#include "cache/mirror/pack_index.h"
#include "cache/store/store.h"
#include "fetcher/engine/delivery.h"
#include "fetcher/engine/fetch.h"
#include "fetcher/http/get.h"
#include "fetcher/loop/loop.h"
#include "fetcher/mirror/offers.h"
#include "fetcher/pack/pack.h"

/*
 * Enough to be through slow start four times as soon; each costs a megabyte and a
 * half while it lasts.
 */
#define PACK_STREAMS	4

/* Bytes: what a stream claims at least, and so what is sure to come first. */
#define PACK_CLAIM_MIN	((uint64_t)1 << 20)

enum pack_object {
	PACK_AHEAD,		/* to come */
	PACK_COMING,		/* its bytes have begun, or it is being published */
	PACK_OVER,		/* the store has it, or it is not wanted from here */
};

struct pack_delivery {
	struct fetch_delivery delivery;
	LIST_ENTRY(pack_delivery) entry;
	struct pack_fetch *pack;
	struct pack_stream *stream;	/* whose bytes it takes; NULL: it has all */
	uint32_t object;
};

/**
 * struct pack_stream - one GET and what is made of its bytes
 * @position: in the file, of the next byte
 * @part: the frame it is in
 * @end: of the frames it has claimed
 * @object: the one whose bytes come next, of which @object_at have come
 * @taking: where they go; NULL: nowhere
 * @carry: bytes that arrived and could not be dealt with yet
 * @answer: of a GET that ended while there were such
 */
struct pack_stream {
	struct pack_fetch *pack;
	struct http_get get;
	bool active;			/* get is */
	bool busy;			/* active, or there is something in carry */
	bool through;			/* it ends its GET itself */
	bool whole;			/* the GET is for all of the file */
	uint64_t position;
	uint32_t part, end;
	bool in_part;
	uint32_t object;
	uint64_t object_at;
	struct zst_stream *zst;
	struct pack_delivery *taking;
	uint8_t *carry;
	size_t carry_len, carry_at;
	struct loop_deferred soon;
	bool ended;
	struct http_answer answer;
};

/**
 * struct pack_trial - an object of the pack that is fetched by a GET of its own
 * @object: which one, while @waiter waits
 * @received: bytes of the pack when that began
 * @next_ms: when there may be another one
 * @mark_received: bytes of the pack when it was last looked at
 */
struct pack_trial {
	struct fetch_waiter waiter;
	uint32_t object;
	uint64_t begun_ms, received;
	uint64_t next_ms;
	struct loop_timer timer;
	uint64_t mark_ms, mark_received;
};

struct pack_fetch {
	struct loop *loop;
	struct cfs_store *store;
	struct fetcher *fetcher;
	struct cfs_digest image;
	char file[CFS_IMAGE_NAME_MAX + 1];	/* "<digest>[.NAME]" */
	const struct pack_calls *calls;
	void *context;

	struct loop_work work;			/* reads the image: table */
	bool working, freed;
	int work_err;
	struct cfs_object_table table;
	struct mirror_offers_watcher watcher;
	struct loop_deferred soon;		/* look for a mirror, or be over */

	uint32_t tried;				/* bit set of mirrors */
	size_t mirror;
	char *url;
	uint8_t *head;				/* header and index, while they come */
	size_t head_len, head_room;
	struct cfs_pack_index *index;
	uint8_t *states;			/* enum pack_object, of each object */
	uint32_t *by_digest;			/* objects, sorted */
	uint32_t next_part;
	bool begun;				/* the streams have been opened */
	struct pack_stream streams[PACK_STREAMS];
	struct loop_timer again;		/* readers had the line to themselves */
	LIST_HEAD(, pack_delivery) deliveries;
	struct fetch_promiser promiser;
	bool promising;

	uint64_t asked_ms, first_ms;		/* first GET; its first byte after */
	uint64_t received;			/* bytes, of the file */
	uint64_t mark_ms, mark_received;	/* a moment ago */
	uint64_t rate;				/* bytes a second; 0: not known */
	struct pack_trial trial;
	unsigned int n_faults;
	bool over, told;
	enum pack_outcome outcome;
	struct pack_stats stats;
};

/** pack_stream_open() - a GET for the frames that it has claimed; 0 or -errno */
int pack_stream_open(struct pack_stream *stream);

/**
 * pack_stream_open_file() - a GET for the whole file, whose index is not known
 *
 * Return: 0 or -errno.
 */
int pack_stream_open_file(struct pack_stream *stream);

/** pack_stream_left() - bytes of what it has claimed that are still to come */
uint64_t pack_stream_left(const struct pack_stream *stream);

/** pack_stream_close() - end what is under way; may be opened again */
void pack_stream_close(struct pack_stream *stream);

/** pack_stream_free() - closed before */
void pack_stream_free(struct pack_stream *stream);

/** pack_stream_continue() - deferred: deal with what was carried */
void pack_stream_continue(struct loop_deferred *deferred);

/**
 * pack_head_add() - bytes of header and index
 * @ret_taken: how many
 *
 * Return: 0 or -errno.
 */
int pack_head_add(struct pack_fetch *pack, const uint8_t *data, size_t len,
		  size_t *ret_taken);

/**
 * pack_claim() - the next frames for a stream that is through with its own
 * @follow: only if they are not far behind where it is
 *
 * Return: true if it has got some.
 */
bool pack_claim(struct pack_fetch *pack, struct pack_stream *stream, bool follow);

/** pack_find_part() - make next_part one that is still to come; false: there is none */
bool pack_find_part(struct pack_fetch *pack);

/** pack_claimed_bytes() - what the streams have claimed and is still to come */
uint64_t pack_claimed_bytes(const struct pack_fetch *pack);

/** pack_note_bytes() - so many have come */
void pack_note_bytes(struct pack_fetch *pack, size_t len);

/** pack_trial_start() - the index is here: from now on look at the pace */
void pack_trial_start(struct pack_fetch *pack);

/** pack_trial_stop() - not any more; idempotent */
void pack_trial_stop(struct pack_fetch *pack);

/** pack_is_tried() - is it fetched by a GET to see how long that takes? */
bool pack_is_tried(const struct pack_fetch *pack, uint32_t object);

/** pack_comes_in_ms() - of its fetch_promiser, which see */
uint64_t pack_comes_in_ms(struct fetch_promiser *promiser,
			  const struct cfs_digest *digest);

/** pack_stream_over() - it is through, or has failed with @result */
void pack_stream_over(struct pack_stream *stream, enum fetch_result result);

/** pack_give_up() - no more of this pack; @corrupt: the mirror is to blame */
void pack_give_up(struct pack_fetch *pack, bool corrupt);

/** pack_check_over() - a delivery has ended: was that the last thing? */
void pack_check_over(struct pack_fetch *pack);

#endif /* FETCHER_PACK_INTERNAL_H */
