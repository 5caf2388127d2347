// SPDX-License-Identifier: GPL-2.0-or-later
/* How fast a pack comes, and so when an object of it will be here. */
#include <string.h>

#include "cache/base/container_of.h"
#include "fetcher/pack/internal.h"

/* After so many round trips a connection brings what the link can bring. */
#define SLOW_START_TRIPS	10

void pack_note_bytes(struct pack_fetch *pack, size_t len)
{
	uint64_t now_ms = loop_now_ms(pack->loop);
	uint64_t past_ms = now_ms - pack->mark_ms;

	if (!pack->first_ms) {
		pack->first_ms = now_ms - pack->asked_ms + 1;
		pack->mark_ms = now_ms;
		past_ms = 0;
	}
	pack->received += len;
	if (past_ms < (pack->rate ? 200 : 20))
		return;
	/* At least 1: nothing comes any more, which is not the same as not known. */
	pack->rate = (pack->received - pack->mark_received) * 1000 / past_ms + 1;
	pack->mark_received = pack->received;
	pack->mark_ms = now_ms;
}

static bool find_object(const struct pack_fetch *pack,
			const struct cfs_digest *digest, uint32_t *ret)
{
	const struct cfs_pack_index *index = pack->index;
	uint32_t low = 0, high = index->n_objects;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		uint32_t object = pack->by_digest[middle];
		int order = memcmp(index->objects[object].digest.bytes,
				   digest->bytes, CFS_DIGEST_LEN);

		if (order == 0) {
			*ret = object;
			return true;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static uint32_t part_of(const struct cfs_pack_index *index, uint32_t object)
{
	uint32_t low = 0, high = index->n_parts;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (index->parts[middle].first <= object)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* Bytes of the file that come before the last one of a frame. */
static uint64_t bytes_ahead(const struct pack_fetch *pack, uint32_t part_no)
{
	const struct cfs_pack_part *parts = pack->index->parts;
	uint64_t end = parts[part_no].offset + parts[part_no].packed_size;
	uint64_t n_busy = 0, mine = 0;

	for (size_t i = 0; i < PACK_STREAMS; i++) {
		const struct pack_stream *stream = &pack->streams[i];

		if (!pack_stream_left(stream))
			continue;
		n_busy++;
		if (part_no >= stream->part && part_no < stream->end)
			mine = end - stream->position;
	}
	if (part_no < pack->next_part)
		return mine * n_busy;
	return pack_claimed_bytes(pack) + end - parts[pack->next_part].offset;
}

/* While windows grow, each round trip brings twice what the one before brought. */
static uint64_t ms_for(const struct pack_fetch *pack, uint64_t bytes)
{
	uint64_t past_ms = pack->mark_ms - pack->asked_ms - pack->first_ms;
	uint64_t trip_bytes = pack->rate * pack->first_ms / 1000 + 1;
	uint64_t ms = 0;

	if (past_ms > SLOW_START_TRIPS * pack->first_ms)
		return bytes * 1000 / pack->rate;
	for (; bytes > trip_bytes; trip_bytes *= 2) {
		bytes -= trip_bytes;
		ms += pack->first_ms;
	}
	return ms + bytes * pack->first_ms / trip_bytes;
}

uint64_t pack_comes_in_ms(struct fetch_promiser *promiser,
			    const struct cfs_digest *digest)
{
	struct pack_fetch *pack =
		container_of(promiser, struct pack_fetch, promiser);
	uint64_t ahead, ms;
	uint32_t object;

	if (!find_object(pack, digest, &object) ||
	    pack->states[object] == PACK_OVER || pack_is_tried(pack, object))
		return 0;
	pack_note_bytes(pack, 0);	/* time goes by even if nothing comes */
	ahead = bytes_ahead(pack, part_of(pack->index, object));
	if (!pack->rate)
		ms = ahead <= PACK_CLAIM_MIN ? pack->first_ms : UINT64_MAX;
	else
		ms = ms_for(pack, ahead);
	/* A GET of its own would take as long, and slow down the rest. */
	if (ms > 2 * pack->first_ms + 100)
		return 0;
	return ms < 10 ? 10 : ms;
}
