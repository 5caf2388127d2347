// SPDX-License-Identifier: GPL-2.0-or-later
/* Which pack, from which mirror, and when it is over. */
#include "fetcher/pack/pack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/container_of.h"
#include "fetcher/engine/fetch.h"
#include "fetcher/mirror/mirrors.h"
#include "fetcher/pack/internal.h"

#define FAULTS_MAX	3
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
	pack_trial_stop(pack);
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
	if (pack_find_part(pack))
		loop_timer_start(pack->loop, &pack->again, YIELD_MS);
	else
		pack_check_over(pack);
}

void pack_check_over(struct pack_fetch *pack)
{
	if (pack->over)
		loop_defer(pack->loop, &pack->soon);
	else if (pack->index && !is_busy(pack) && !pack_find_part(pack) &&
		 LIST_EMPTY(&pack->deliveries))
		be_over(pack, PACK_COMPLETE);
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
	pack_trial_start(pack);
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

/* ---- from the search to the end ---- */

/* The image's objects, while the first GET is on its way. */
static void read_table(struct pack_fetch *pack)
{
	if (pack->table.objects)
		return;
	pack->working = true;
	loop_work_submit(pack->loop, &pack->work);
}

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
	if (!pack->head || !pack->url ||
	    pack_stream_open_file(&pack->streams[0]) < 0)
		return false;
	read_table(pack);
	return true;
}

static void be_over_without(struct pack_fetch *pack)
{
	pack->stats.mirror = NULL;
	be_over(pack, PACK_NONE);
}

static void search(struct pack_fetch *pack)
{
	struct mirrors *mirrors = fetcher_mirrors(pack->fetcher);
	struct mirror_offers *offers = fetcher_offers(pack->fetcher);
	uint64_t now_ms = loop_now_ms(pack->loop);

	if (pack->working)
		return;
	if (fetcher_is_short_of_files(pack->fetcher)) {
		be_over_without(pack);
		return;
	}
	for (size_t i = 0; i < mirrors_count(mirrors); i++) {
		if (pack->tried >> i & 1 ||
		    !mirror_offers(offers, i, CFS_MIRROR_PACKS) ||
		    mirrors_state(mirrors, i, now_ms) != MIRROR_CLOSED)
			continue;
		if (!ask_mirror(pack, i))
			be_over(pack, PACK_FAILED);
		return;
	}
	if (mirror_offers_settled(offers))
		be_over_without(pack);
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
	if (pack->freed) {
		pack_fetch_free(pack);
		return;
	}
	if (pack->work_err && !pack->over) {
		close_streams(pack);
		be_over_without(pack);
		return;
	}
	/* What has come of the index, or another mirror. */
	loop_defer(pack->loop, &pack->streams[0].soon);
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
	pack->promiser.comes_in_ms = pack_comes_in_ms;
	for (size_t i = 0; i < PACK_STREAMS; i++) {
		pack->streams[i].pack = pack;
		pack->streams[i].soon.call = pack_stream_continue;
	}
	mirror_offers_watch(fetcher_offers(fetcher), &pack->watcher);
	loop_defer(loop, &pack->soon);
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
