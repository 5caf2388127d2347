// SPDX-License-Identifier: GPL-2.0-or-later
/* Which pack, whose turn which part of it is, and when it is over. */
#include "fetcher/pack_fetch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/container_of.h"
#include "fetcher/fetch.h"
#include "fetcher/mirrors.h"
#include "fetcher/pack_internal.h"

/*
 * Frames claimed at once, within bounds: what makes all streams end together, as long as
 * that takes no longer than CLAIM_MS and a few round trips, since a reader of the first
 * of them waits while the others have most of the link; to begin with, less.
 */
#define CLAIM_MIN	((uint64_t)1 << 20)
#define CLAIM_MAX	((uint64_t)8 << 20)
#define CLAIM_MS	250
#define CLAIM_TRIPS	4
/* Reading over so many bytes is no slower than asking anew. */
#define GAP_MAX		((uint64_t)128 << 10)
#define FAULTS_MAX	3
/* After so many round trips a connection brings what the link can bring. */
#define SLOW_START_TRIPS	10
/* While readers fetch something else: when to look again. */
#define YIELD_MS	20

static void be_over(struct pack_fetch *pack, enum pack_outcome outcome)
{
	if (pack->over)
		return;
	pack->over = true;
	pack->outcome = outcome;
	if (pack->promising)
		fetch_promiser_remove(pack->fetcher, &pack->promiser);
	pack->promising = false;
	mirror_offers_unwatch(&pack->watcher);
	loop_timer_stop(pack->loop, &pack->again);
	loop_defer(pack->loop, &pack->soon);
}

static void close_streams(struct pack_fetch *pack)
{
	struct pack_delivery *delivery, *next;

	for (size_t i = 0; i < PACK_STREAMS; i++)
		pack_stream_close(&pack->streams[i]);
	for (delivery = LIST_FIRST(&pack->deliveries); delivery; delivery = next) {
		next = LIST_NEXT(delivery, entry);
		if (!delivery->stream)
			continue;
		fetch_delivery_drop(&delivery->delivery);
		LIST_REMOVE(delivery, entry);
		free(delivery);
	}
}

static void blame(struct pack_fetch *pack)
{
	mirrors_blame(fetcher_mirrors(pack->fetcher), pack->mirror,
		      loop_now_ms(pack->loop));
	mirror_offers_broken(fetcher_offers(pack->fetcher), pack->mirror,
			     CFS_MIRROR_PACKS);
}

void pack_give_up(struct pack_fetch *pack, bool corrupt)
{
	if (pack->over)
		return;
	if (corrupt)
		blame(pack);
	close_streams(pack);
	be_over(pack, PACK_FAILED);
}

static bool is_busy(const struct pack_fetch *pack)
{
	for (size_t i = 0; i < PACK_STREAMS; i++)
		if (pack->streams[i].busy)
			return true;
	return false;
}

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

static bool find_next_part(struct pack_fetch *pack)
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

/* What the streams have claimed and is still to come. */
static uint64_t claimed_bytes(const struct pack_fetch *pack)
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
		bytes = (claimed_bytes(pack) + left) / (PACK_STREAMS - 1);
		if (bytes > pack->rate * ms / 1000)
			bytes = pack->rate * ms / 1000;
	}
	if (bytes < CLAIM_MIN)
		return CLAIM_MIN;
	return bytes < CLAIM_MAX ? bytes : CLAIM_MAX;
}

bool pack_claim(struct pack_fetch *pack, struct pack_stream *stream, bool follow)
{
	const struct cfs_pack_index *index = pack->index;
	uint64_t start, bytes;

	if (!may_go_on(pack, stream) || !find_next_part(pack))
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

/* Give every idle stream something to do; notice the end. */
static void fill(struct pack_fetch *pack)
{
	for (size_t i = 0; i < PACK_STREAMS; i++) {
		struct pack_stream *stream = &pack->streams[i];

		if (stream->busy)
			continue;
		if (stream->part == stream->end) {
			/* After the whole another connection would begin slowly. */
			if (stream->whole && is_busy(pack))
				continue;
			if (!pack_claim(pack, stream, false))
				continue;
		}
		if (pack_stream_open(stream) < 0) {
			pack_give_up(pack, false);
			return;
		}
	}
	pack->begun = true;
	if (find_next_part(pack))
		loop_timer_start(pack->loop, &pack->again, YIELD_MS);
	else
		pack_check_over(pack);
}

void pack_check_over(struct pack_fetch *pack)
{
	if (pack->over)
		loop_defer(pack->loop, &pack->soon);
	else if (pack->index && !is_busy(pack) && !find_next_part(pack) &&
		 LIST_EMPTY(&pack->deliveries))
		be_over(pack, PACK_COMPLETE);
}

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

void pack_stream_over(struct pack_stream *stream, enum fetch_result result)
{
	struct pack_fetch *pack = stream->pack;

	if (pack->over)
		return;
	switch (result) {
	case FETCH_RESULT_OK:
		if (pack->index)
			break;
		__attribute__((fallthrough));
	case FETCH_RESULT_BAD_DIGEST:
		if (pack->index)
			pack_give_up(pack, true);
		else
			blame(pack);
		break;
	case FETCH_RESULT_LOCAL:
		pack_give_up(pack, false);
		break;
	default:
		if (pack->index && ++pack->n_faults > FAULTS_MAX)
			pack_give_up(pack, false);
		break;
	}
	loop_defer(pack->loop, &pack->soon);
}

/* ---- the index ---- */

static int compare_digests(const void *a, const void *b, void *context)
{
	const struct cfs_pack_index *index = context;

	return memcmp(index->objects[*(const uint32_t *)a].digest.bytes,
		      index->objects[*(const uint32_t *)b].digest.bytes,
		      CFS_DIGEST_LEN);
}

static int take_index(struct pack_fetch *pack)
{
	struct cfs_pack_index *index;
	int err = cfs_pack_index_new(pack->head, pack->head_len, &pack->image,
				     &pack->table, &index);

	if (err)
		return err;
	pack->index = index;
	pack->states = calloc(index->n_objects + 1, sizeof(*pack->states));
	pack->by_digest = calloc(index->n_objects + 1, sizeof(*pack->by_digest));
	if (!pack->states || !pack->by_digest)
		return -ENOMEM;
	for (uint32_t i = 0; i < index->n_objects; i++)
		pack->by_digest[i] = i;
	qsort_r(pack->by_digest, index->n_objects, sizeof(*pack->by_digest),
		compare_digests, index);
	cfs_object_table_free(&pack->table);
	free(pack->head);
	pack->head = NULL;
	pack->stats.objects = index->n_objects;
	fetch_promiser_add(pack->fetcher, &pack->promiser);
	pack->promising = true;
	/* No GET may begin from inside another one's data. */
	loop_defer(pack->loop, &pack->soon);
	return 0;
}

int pack_head_add(struct pack_fetch *pack, const uint8_t *data, size_t len,
		  size_t *ret_taken)
{
	size_t n = pack->head_room - pack->head_len;
	uint64_t size;
	void *grown;
	int err;

	if (n > len)
		n = len;
	memcpy(pack->head + pack->head_len, data, n);
	pack->head_len += n;
	*ret_taken = n;
	if (pack->head_len < pack->head_room)
		return 0;
	err = cfs_pack_index_size(pack->head, pack->head_len, &pack->image,
				  &pack->table, &size);
	if (err < 0 || size == pack->head_len)
		return err < 0 ? err : take_index(pack);
	grown = realloc(pack->head, size);
	if (!grown)
		return -ENOMEM;
	pack->head = grown;
	pack->head_room = size;
	return 0;
}

/* ---- what is promised ---- */

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
	return claimed_bytes(pack) + end - parts[pack->next_part].offset;
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

static uint64_t comes_in_ms(struct fetch_promiser *promiser,
			    const struct cfs_digest *digest)
{
	struct pack_fetch *pack =
		container_of(promiser, struct pack_fetch, promiser);
	uint64_t ahead, ms;
	uint32_t object;

	if (!find_object(pack, digest, &object) ||
	    pack->states[object] == PACK_OVER)
		return 0;
	pack_note_bytes(pack, 0);	/* time goes by even if nothing comes */
	ahead = bytes_ahead(pack, part_of(pack->index, object));
	if (!pack->rate)
		ms = ahead <= CLAIM_MIN ? pack->first_ms : UINT64_MAX;
	else
		ms = ms_for(pack, ahead);
	/* A GET of its own would take as long, and slow down the rest. */
	if (ms > 2 * pack->first_ms + 100)
		return 0;
	return ms < 10 ? 10 : ms;
}

/* ---- from the search to the end ---- */

static bool ask_mirror(struct pack_fetch *pack, size_t mirror)
{
	struct mirrors *mirrors = fetcher_mirrors(pack->fetcher);

	pack->tried |= (uint32_t)1 << mirror;
	pack->mirror = mirror;
	free(pack->url);
	free(pack->head);
	pack->head = malloc(sizeof(struct cfs_pack_header));
	pack->head_room = sizeof(struct cfs_pack_header);
	pack->head_len = 0;
	pack->first_ms = 0;
	pack->asked_ms = loop_now_ms(pack->loop);
	pack->stats.mirror = mirrors_url(mirrors, mirror);
	if (asprintf(&pack->url, "%s/packs/%s", pack->stats.mirror,
		     pack->file) < 0)
		pack->url = NULL;
	return pack->head && pack->url &&
	       pack_stream_open_file(&pack->streams[0]) == 0;
}

static void search(struct pack_fetch *pack)
{
	struct mirrors *mirrors = fetcher_mirrors(pack->fetcher);
	struct mirror_offers *offers = fetcher_offers(pack->fetcher);
	uint64_t now_ms = loop_now_ms(pack->loop);

	if (pack->working)
		return;
	for (size_t i = 0; !pack->work_err && i < mirrors_count(mirrors); i++) {
		if (pack->tried >> i & 1 ||
		    !mirror_offers(offers, i, CFS_MIRROR_PACKS) ||
		    mirrors_state(mirrors, i, now_ms) != MIRROR_CLOSED)
			continue;
		if (!ask_mirror(pack, i))
			be_over(pack, PACK_FAILED);
		return;
	}
	if (pack->work_err || mirror_offers_settled(offers)) {
		pack->stats.mirror = NULL;
		be_over(pack, PACK_NONE);
	}
}

static void soon(struct loop_deferred *deferred)
{
	struct pack_fetch *pack = container_of(deferred, struct pack_fetch, soon);

	if (!pack->over && pack->index)
		fill(pack);
	else if (!pack->over && !is_busy(pack))
		search(pack);
	if (!pack->over || pack->told || !LIST_EMPTY(&pack->deliveries))
		return;
	pack->told = true;
	pack->stats.received = pack->received;
	pack->calls->over(pack->context, pack->outcome, &pack->stats);
}

static void again(struct loop_timer *timer)
{
	struct pack_fetch *pack = container_of(timer, struct pack_fetch, again);

	loop_defer(pack->loop, &pack->soon);
}

static void offers_changed(struct mirror_offers_watcher *watcher)
{
	struct pack_fetch *pack =
		container_of(watcher, struct pack_fetch, watcher);

	if (!pack->index)
		loop_defer(pack->loop, &pack->soon);
}

static void read_image(struct loop_work *work)
{
	struct pack_fetch *pack = container_of(work, struct pack_fetch, work);

	pack->work_err = cfs_object_table_of(pack->store, &pack->image,
					     &pack->table);
}

static void image_read(struct loop_work *work)
{
	struct pack_fetch *pack = container_of(work, struct pack_fetch, work);

	pack->working = false;
	if (pack->freed)
		pack_fetch_free(pack);
	else
		loop_defer(pack->loop, &pack->soon);
}

int pack_fetch_start(struct loop *loop, struct cfs_store *store,
		     struct fetcher *fetcher, const struct cfs_digest *image,
		     const char *name, const struct pack_calls *calls,
		     void *context, struct pack_fetch **ret)
{
	char hex[CFS_DIGEST_HEX_LEN + 1];
	struct pack_fetch *pack;

	if (name && (!cfs_image_name_valid(name) ||
		     strlen(name) + sizeof(hex) > CFS_IMAGE_NAME_MAX))
		return -EINVAL;
	pack = calloc(1, sizeof(*pack));
	if (!pack)
		return -ENOMEM;
	pack->loop = loop;
	pack->store = store;
	pack->fetcher = fetcher;
	pack->image = *image;
	pack->calls = calls;
	pack->context = context;
	cfs_digest_format(image, hex);
	snprintf(pack->file, sizeof(pack->file), "%s%s%s", hex, name ? "." : "",
		 name ? name : "");
	pack->work.run = read_image;
	pack->work.done = image_read;
	pack->watcher.changed = offers_changed;
	pack->soon.call = soon;
	pack->again.expired = again;
	pack->promiser.comes_in_ms = comes_in_ms;
	for (size_t i = 0; i < PACK_STREAMS; i++) {
		pack->streams[i].pack = pack;
		pack->streams[i].soon.call = pack_stream_continue;
	}
	mirror_offers_watch(fetcher_offers(fetcher), &pack->watcher);
	pack->working = true;
	loop_work_submit(loop, &pack->work);
	*ret = pack;
	return 0;
}

void pack_fetch_free(struct pack_fetch *pack)
{
	struct pack_delivery *delivery;

	if (!pack)
		return;
	close_streams(pack);
	be_over(pack, PACK_FAILED);
	loop_undefer(pack->loop, &pack->soon);
	pack->freed = true;
	if (pack->working)
		return;
	while ((delivery = LIST_FIRST(&pack->deliveries))) {
		fetch_delivery_drop(&delivery->delivery);
		LIST_REMOVE(delivery, entry);
		free(delivery);
	}
	for (size_t i = 0; i < PACK_STREAMS; i++)
		pack_stream_free(&pack->streams[i]);
	cfs_object_table_free(&pack->table);
	cfs_pack_index_free(pack->index);
	free(pack->states);
	free(pack->by_digest);
	free(pack->head);
	free(pack->url);
	free(pack);
}
