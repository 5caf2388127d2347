// SPDX-License-Identifier: GPL-2.0-or-later
/* The bytes of one connection: into frames, frames into objects. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/container_of.h"
#include "fetcher/engine/fetch.h"
#include "fetcher/pack/internal.h"
#include "fetcher/ingest/zstd.h"

/* A pack whose size is not known is limited by what its frames say. */
#define FILE_MAX	((uint64_t)1 << 40)

/* What data says to end a GET of which no more is wanted. */
#define STREAM_THROUGH	(-ECANCELED)

static void delivery_resume(struct fetch_delivery *delivery)
{
	struct pack_delivery *taking =
		container_of(delivery, struct pack_delivery, delivery);

	if (taking->stream)
		loop_defer(taking->pack->loop, &taking->stream->soon);
}

static void delivery_done(struct fetch_delivery *delivery, int err)
{
	struct pack_delivery *taking =
		container_of(delivery, struct pack_delivery, delivery);
	struct pack_fetch *pack = taking->pack;

	pack->states[taking->object] = PACK_OVER;
	if (err == 0) {
		pack->stats.delivered++;
		pack->stats.delivered_bytes +=
			pack->index->objects[taking->object].size;
	}
	LIST_REMOVE(taking, entry);
	free(taking);
	if (err < 0)
		pack_give_up(pack, err == -EBADMSG);
	else
		pack_check_over(pack);
}

/* The bytes of the next object come. */
static int begin_object(struct pack_stream *stream)
{
	struct pack_fetch *pack = stream->pack;
	const struct cfs_object_entry *object =
		&pack->index->objects[stream->object];
	struct pack_delivery *taking;
	int err;

	if (pack->states[stream->object] != PACK_AHEAD)
		return 0;
	taking = calloc(1, sizeof(*taking));
	if (!taking)
		return -ENOMEM;
	taking->delivery.resume = delivery_resume;
	taking->delivery.done = delivery_done;
	taking->pack = pack;
	taking->stream = stream;
	taking->object = stream->object;
	err = fetch_delivery_begin(pack->fetcher, &taking->delivery,
				   &object->digest, object->size, pack->mirror);
	if (err) {
		free(taking);
		if (err < 0)
			return err;
		pack->states[stream->object] = PACK_OVER;
		return 0;
	}
	pack->states[stream->object] = PACK_COMING;
	LIST_INSERT_HEAD(&pack->deliveries, taking, entry);
	stream->taking = taking;
	return 0;
}

static void end_object(struct pack_stream *stream)
{
	if (stream->taking) {
		stream->taking->stream = NULL;
		fetch_delivery_finish(&stream->taking->delivery);
		stream->taking = NULL;
	}
	stream->object++;
	stream->object_at = 0;
}

/* Deal with objects of no bytes, of which nothing is ever handed on. */
static int pass_empty(struct pack_stream *stream)
{
	const struct cfs_pack_index *index = stream->pack->index;
	const struct cfs_pack_part *part = &index->parts[stream->part];
	int err = 0;

	while (err == 0 && stream->object_at == 0 &&
	       stream->object < part->first + part->n &&
	       index->objects[stream->object].size == 0) {
		err = begin_object(stream);
		if (err == 0)
			end_object(stream);
	}
	return err;
}

/* Bytes of the frame's objects, one behind the other; never more than they have. */
static int take_bytes(void *context, const uint8_t *data, size_t len,
		      size_t *ret_taken)
{
	struct pack_stream *stream = context;
	const struct cfs_pack_index *index = stream->pack->index;
	int err = 0;

	*ret_taken = 0;
	while (len && err == 0) {
		uint64_t left = index->objects[stream->object].size -
				stream->object_at;
		size_t n = left < len ? (size_t)left : len;

		if (stream->object_at == 0 && !stream->taking)
			err = begin_object(stream);
		if (err == 0 && stream->taking)
			err = fetch_delivery_add(&stream->taking->delivery, data,
						 n);
		if (err == FETCH_DELIVERY_FULL)
			return ZST_FULL;
		if (err)
			break;
		stream->object_at += n;
		data += n;
		len -= n;
		*ret_taken += n;
		if (n == left) {
			end_object(stream);
			err = pass_empty(stream);
		}
	}
	return err;
}

static int begin_part(struct pack_stream *stream)
{
	const struct cfs_pack_part *part =
		&stream->pack->index->parts[stream->part];

	stream->in_part = true;
	stream->object = part->first;
	stream->object_at = 0;
	zst_stream_begin(stream->zst, part->size, take_bytes, stream);
	return pass_empty(stream);
}

static bool part_is_over(const struct pack_stream *stream)
{
	const struct pack_fetch *pack = stream->pack;
	const struct cfs_pack_part *part = &pack->index->parts[stream->part];
	uint32_t i;

	for (i = part->first; i < part->first + part->n; i++)
		if (pack->states[i] != PACK_OVER)
			return false;
	return true;
}

/* Some bytes of the frame that the stream is in. */
static int take_frame(struct pack_stream *stream, const uint8_t *data, size_t len,
		      size_t *ret_taken)
{
	const struct cfs_pack_part *part =
		&stream->pack->index->parts[stream->part];
	uint64_t left = part->offset + part->packed_size - stream->position;
	size_t n = left < len ? (size_t)left : len;
	int err = 0;

	*ret_taken = n;
	if (!stream->in_part && part_is_over(stream)) {
		/* Its bytes come because others around them are wanted. */
		if (n == left)
			stream->part++;
	} else {
		if (!stream->in_part)
			err = begin_part(stream);
		if (err == 0)
			err = zst_stream_add(stream->zst, data, n, ret_taken);
		else
			*ret_taken = 0;
	}
	stream->position += *ret_taken;
	if (err == 0 && n == left && stream->in_part) {
		if (!zst_stream_complete(stream->zst))
			return -EBADMSG;
		stream->in_part = false;
		stream->part++;
	}
	return err;
}

/* Pass over the frames between those claimed before and those claimed now. */
static void skip_gap(struct pack_stream *stream, size_t len, size_t *ret_taken)
{
	uint64_t left = stream->pack->index->parts[stream->part].offset -
			stream->position;

	*ret_taken = left < len ? (size_t)left : len;
	stream->position += *ret_taken;
}

/* Return: 0 (all was taken), ZST_FULL (for now), STREAM_THROUGH or -errno. */
static int take(struct pack_stream *stream, const uint8_t *data, size_t len,
		size_t *ret_taken)
{
	struct pack_fetch *pack = stream->pack;
	int err = 0;

	*ret_taken = 0;
	do {
		size_t n = 0;

		if (!pack->index && pack->working) {
			return ZST_FULL;	/* the image is being read */
		} else if (!pack->index) {
			err = pack_head_add(pack, data, len, &n);
			stream->position += n;
		} else if (stream->part == stream->end && !stream->whole) {
			return -EBADMSG;
		} else if (stream->part == stream->end &&
			   !pack_claim(pack, stream, true)) {
			return STREAM_THROUGH;
		} else if (stream->position <
			   pack->index->parts[stream->part].offset) {
			skip_gap(stream, len, &n);
		} else {
			err = take_frame(stream, data, len, &n);
		}
		data += n;
		len -= n;
		*ret_taken += n;
	} while (err == 0 && len);
	return err;
}

/* Keep what could not be taken. */
static int carry(struct pack_stream *stream, const uint8_t *data, size_t len)
{
	/* One byte more: there may be nothing but what zstd holds back. */
	stream->carry = malloc(len + 1);
	if (!stream->carry)
		return -ENOMEM;
	memcpy(stream->carry, data, len);
	stream->carry_len = len;
	stream->carry_at = 0;
	return 0;
}

static int get_data(struct http_get *get, const void *data, size_t len)
{
	struct pack_stream *stream = container_of(get, struct pack_stream, get);
	size_t taken;
	int err;

	if (stream->carry)
		return HTTP_DATA_PAUSE;
	pack_note_bytes(stream->pack, len);
	err = take(stream, data, len, &taken);
	if (err == ZST_FULL)
		err = carry(stream, (const uint8_t *)data + taken, len - taken);
	if (err == STREAM_THROUGH)
		stream->through = true;
	else if (err == -EBADMSG)
		stream->answer.result = FETCH_RESULT_BAD_DIGEST;
	return err;
}

/* The GET is over, and so is everything that came. */
static void settle(struct pack_stream *stream)
{
	enum fetch_result result = stream->answer.result;

	stream->ended = false;
	stream->busy = false;
	if (stream->taking) {
		/* Whoever has this part next begins it anew. */
		stream->pack->states[stream->taking->object] = PACK_AHEAD;
		fetch_delivery_drop(&stream->taking->delivery);
		LIST_REMOVE(stream->taking, entry);
		free(stream->taking);
		stream->taking = NULL;
	}
	stream->in_part = false;
	if (result == FETCH_RESULT_OK && stream->pack->index &&
	    stream->part != stream->end)
		result = FETCH_RESULT_SHORT;
	pack_stream_over(stream, stream->through ? FETCH_RESULT_OK : result);
}

static void get_done(struct http_get *get, const struct http_answer *answer)
{
	struct pack_stream *stream = container_of(get, struct pack_stream, get);
	bool wrong = stream->answer.result == FETCH_RESULT_BAD_DIGEST;

	stream->active = false;
	stream->answer = *answer;
	if (wrong)
		stream->answer.result = FETCH_RESULT_BAD_DIGEST;
	if (stream->carry)
		stream->ended = true;
	else
		settle(stream);
}

void pack_stream_continue(struct loop_deferred *deferred)
{
	struct pack_stream *stream =
		container_of(deferred, struct pack_stream, soon);
	size_t taken;
	int err;

	if (!stream->carry)
		return;
	err = take(stream, stream->carry + stream->carry_at,
		   stream->carry_len - stream->carry_at, &taken);
	stream->carry_at += taken;
	if (err == ZST_FULL)
		return;
	free(stream->carry);
	stream->carry = NULL;
	if (err == 0 && !stream->ended) {
		fetcher_get_resume(stream->pack->fetcher, &stream->get);
		return;
	}
	stream->through = err == STREAM_THROUGH;
	if (err == -EBADMSG)
		stream->answer.result = FETCH_RESULT_BAD_DIGEST;
	else if (err < 0 && !stream->through)
		stream->answer.result = FETCH_RESULT_LOCAL;
	if (stream->active)
		fetcher_get_cancel(stream->pack->fetcher, &stream->get);
	stream->active = false;
	settle(stream);
}

static int open_get(struct pack_stream *stream)
{
	int err = 0;

	if (!stream->zst)
		err = zst_stream_new(&stream->zst);
	if (err == 0)
		err = fetcher_get(stream->pack->fetcher, &stream->get);
	stream->active = stream->busy = err == 0;
	stream->through = false;
	stream->in_part = false;
	stream->answer.result = FETCH_RESULT_OK;
	return err;
}

int pack_stream_open(struct pack_stream *stream)
{
	const struct pack_fetch *pack = stream->pack;
	const struct cfs_pack_part *first = &pack->index->parts[stream->part];
	const struct cfs_pack_part *last = &pack->index->parts[stream->end - 1];

	stream->whole = false;
	stream->position = first->offset;
	stream->get = (struct http_get){
		.url = pack->url,
		.size = pack->index->file_size,
		.offset = first->offset,
		.length = last->offset + last->packed_size - first->offset,
		.bulk = true,
		.data = get_data,
		.done = get_done,
	};
	return open_get(stream);
}

int pack_stream_open_file(struct pack_stream *stream)
{
	stream->whole = true;
	stream->position = 0;
	stream->part = stream->end = 0;
	stream->get = (struct http_get){
		.url = stream->pack->url,
		.size = UINT64_MAX,
		.max_size = FILE_MAX,
		.data = get_data,
		.done = get_done,
	};
	return open_get(stream);
}

uint64_t pack_stream_left(const struct pack_stream *stream)
{
	const struct cfs_pack_part *last;

	if (!stream->busy || stream->part == stream->end)
		return 0;
	last = &stream->pack->index->parts[stream->end - 1];
	return last->offset + last->packed_size - stream->position;
}

void pack_stream_close(struct pack_stream *stream)
{
	struct pack_fetch *pack = stream->pack;

	loop_undefer(pack->loop, &stream->soon);
	if (stream->active)
		fetcher_get_cancel(pack->fetcher, &stream->get);
	stream->active = stream->busy = stream->ended = false;
	free(stream->carry);
	stream->carry = NULL;
	/* Its delivery is among the pack's, which end with it. */
	stream->taking = NULL;
}

void pack_stream_free(struct pack_stream *stream)
{
	zst_stream_free(stream->zst);
	stream->zst = NULL;
}
