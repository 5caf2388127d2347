// SPDX-License-Identifier: GPL-2.0-or-later
/* How the streams of a pack share out its frames: which ones come next, and how many. */
#include "cache/store/store.h"
#include "fetcher/engine/fetch.h"
#include "fetcher/pack/internal.h"

/*
 * Frames claimed at once, from PACK_CLAIM_MIN to CLAIM_MAX: what makes all streams end
 * together, as long as that takes no longer than CLAIM_MS and a few round trips, since a
 * reader of the first of them waits while the others have most of the link; to begin
 * with, less.
 */
#define CLAIM_MAX	((uint64_t)8 << 20)
#define CLAIM_MS	250
#define CLAIM_TRIPS	4
/* Reading over so many bytes is no slower than asking anew. */
#define GAP_MAX		((uint64_t)128 << 10)

/* What the store has need not come. */
static bool part_is_here(struct pack_fetch *pack, uint32_t part_no)
{
	const struct cfs_pack_part *part = &pack->index->parts[part_no];
	bool here = true;

	for (uint32_t i = part->first; i < part->first + part->n; i++) {
		const struct cfs_object_entry *object = &pack->index->objects[i];

		if (pack->states[i] == PACK_AHEAD &&
		    cfs_store_check(pack->store, &object->digest,
				    object->size) == 0)
			pack->states[i] = PACK_OVER;
		here = here && pack->states[i] == PACK_OVER;
	}
	return here;
}

bool pack_find_part(struct pack_fetch *pack)
{
	while (pack->next_part < pack->index->n_parts &&
	       part_is_here(pack, pack->next_part))
		pack->next_part++;
	return pack->next_part < pack->index->n_parts;
}

/*
 * One stream goes on beside readers' own GETs; others wait until those are over.  Not so
 * at first: those that are under way then will have been answered before the new streams
 * bring anything.
 */
static bool may_go_on(const struct pack_fetch *pack,
		      const struct pack_stream *stream)
{
	if (!pack->begun || fetcher_stats(pack->fetcher)->in_flight == 0)
		return true;
	for (size_t i = 0; i < PACK_STREAMS; i++)
		if (pack->streams[i].busy && &pack->streams[i] != stream)
			return false;
	return true;
}

uint64_t pack_claimed_bytes(const struct pack_fetch *pack)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < PACK_STREAMS; i++)
		sum += pack_stream_left(&pack->streams[i]);
	return sum;
}

/* @left: bytes that nobody has claimed */
static uint64_t claim_bytes(const struct pack_fetch *pack, uint64_t left)
{
	uint64_t ms = CLAIM_MS + CLAIM_TRIPS * pack->first_ms;
	uint64_t bytes = left / (2 * PACK_STREAMS);

	if (pack->begun) {
		bytes = (pack_claimed_bytes(pack) + left) / (PACK_STREAMS - 1);
		if (bytes > pack->rate * ms / 1000)
			bytes = pack->rate * ms / 1000;
	}
	if (bytes < PACK_CLAIM_MIN)
		return PACK_CLAIM_MIN;
	return bytes < CLAIM_MAX ? bytes : CLAIM_MAX;
}

bool pack_claim(struct pack_fetch *pack, struct pack_stream *stream, bool follow)
{
	const struct cfs_pack_index *index = pack->index;
	uint64_t start, bytes;

	if (!may_go_on(pack, stream) || !pack_find_part(pack))
		return false;
	start = index->parts[pack->next_part].offset;
	if (follow && start - stream->position > GAP_MAX)
		return false;
	bytes = claim_bytes(pack, index->file_size - start);
	stream->part = pack->next_part;
	do {
		const struct cfs_pack_part *part =
			&index->parts[pack->next_part++];

		stream->end = pack->next_part;
		if (part->offset + part->packed_size - start >= bytes)
			break;
	} while (pack->next_part < index->n_parts &&
		 !part_is_here(pack, pack->next_part));
	return true;
}
