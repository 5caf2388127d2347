// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writing a pack: the objects are dealt out to frames; frames are compressed a
 * batch at a time, by several threads, and written in order; the index, whose size
 * is known from the start, comes last.
 */
#include "cache/mirror/pack_write.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "cache/base/cleanup.h"
#include "cache/base/full_io.h"
#include "cache/mirror/pack_format.h"
#include "cache/store/store.h"
#include "cache/verity/hash.h"

/* Of one batch: this many frames, or about so many bytes. */
#define BATCH_FRAMES	64
#define BATCH_SIZE	((uint64_t)64 << 20)

struct frame {
	uint32_t first, n;		/* into the order */
	uint64_t size;
	void *packed;			/* owned, while its batch lasts */
	size_t packed_size;
};

struct writer {
	const struct cfs_pack_order *order;
	const struct cfs_pack_options *options;
	struct cfs_pack_report *report;
	int fd;
	struct frame *frames;
	uint32_t n_frames;
	uint64_t offset;		/* where the next frame goes */
	uint64_t done;			/* bytes of objects */
	/* Of the batch: */
	uint32_t end;
	atomic_uint next;
	atomic_int err;			/* the first */
	atomic_flag told;		/* report->damaged is taken */
};

static const struct cfs_object_entry *object_at(const struct writer *writer,
						uint32_t i)
{
	return &writer->order->table->objects[writer->order->positions[i]];
}

/* Deal the objects out: a few for the first frames, whole frames for large ones. */
static int plan(struct writer *writer)
{
	uint64_t room = CFS_PACK_FIRST_FRAME;
	struct frame *frame = NULL;

	/* One more, so that none is no failure. */
	writer->frames = calloc(writer->order->n + 1, sizeof(*writer->frames));
	if (!writer->frames)
		return -ENOMEM;
	for (uint32_t i = 0; i < writer->order->n; i++) {
		uint64_t size = object_at(writer, i)->size;

		if (frame && (size > room || frame->size > room - size)) {
			frame = NULL;
			room *= 2;
		}
		if (room > writer->options->frame_size)
			room = writer->options->frame_size;
		if (!frame) {
			frame = &writer->frames[writer->n_frames++];
			frame->first = i;
		}
		frame->n++;
		frame->size += size;
	}
	return 0;
}

static int read_object(struct writer *writer, const struct cfs_object_entry *object,
		       uint8_t *ret)
{
	struct cfs_store *store = writer->order->store;
	CLEANUP_CLOSE int fd = -1;
	struct cfs_digest digest;
	int err = cfs_store_get(store, &object->digest, &fd);

	if (err == 0)
		err = full_pread(fd, ret, object->size, 0);
	if (err == 0)
		err = cfs_verity_hash_buffer(ret, object->size, &digest);
	if (err == 0 && !cfs_digest_equal(&digest, &object->digest))
		err = -EBADMSG;
	if (err == CFS_STORE_DAMAGED || err == -EIO)
		err = -EBADMSG;
	if (err == -EBADMSG && !atomic_flag_test_and_set(&writer->told))
		writer->report->damaged = object->digest;
	return err;
}

static int compress(struct writer *writer, struct frame *frame, ZSTD_CCtx *zstd)
{
	CLEANUP_FREE uint8_t *bytes = malloc(frame->size + 1);
	size_t at = 0, bound = ZSTD_compressBound(frame->size);
	int err;

	if (!bytes)
		return -ENOMEM;
	for (uint32_t i = frame->first; i < frame->first + frame->n; i++) {
		const struct cfs_object_entry *object = object_at(writer, i);

		err = read_object(writer, object, bytes + at);
		if (err)
			return err;
		at += object->size;
	}
	frame->packed = malloc(bound);
	if (!frame->packed)
		return -ENOMEM;
	frame->packed_size = ZSTD_compress2(zstd, frame->packed, bound, bytes,
					    frame->size);
	return ZSTD_isError(frame->packed_size) ? -ENOMEM : 0;
}

static ZSTD_CCtx *new_compressor(int level)
{
	ZSTD_CCtx *zstd = ZSTD_createCCtx();

	if (!zstd)
		return NULL;
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, level);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, CFS_PACK_WINDOW_LOG);
	return zstd;
}

static void *run(void *context)
{
	struct writer *writer = context;
	ZSTD_CCtx *zstd = new_compressor(writer->options->level);
	int none = 0, err = zstd ? 0 : -ENOMEM;

	while (err == 0 && atomic_load(&writer->err) == 0) {
		uint32_t i = atomic_fetch_add(&writer->next, 1);

		if (i >= writer->end)
			break;
		err = compress(writer, &writer->frames[i], zstd);
	}
	if (err)
		atomic_compare_exchange_strong(&writer->err, &none, err);
	ZSTD_freeCCtx(zstd);
	return NULL;
}

static void compress_batch(struct writer *writer)
{
	unsigned int n = writer->options->n_threads - 1, started = 0;
	/* This thread is one of them, so that one is always to be had. */
	CLEANUP_FREE pthread_t *others = calloc(n + 1, sizeof(*others));

	while (others && started < n &&
	       pthread_create(&others[started], NULL, run, writer) == 0)
		started++;
	run(writer);
	while (started > 0)
		pthread_join(others[--started], NULL);
}

static int write_batch(struct writer *writer, uint32_t begin)
{
	int err = atomic_load(&writer->err);

	for (uint32_t i = begin; i < writer->end; i++) {
		struct frame *frame = &writer->frames[i];

		if (err == 0)
			err = full_pwrite(writer->fd, frame->packed,
					  frame->packed_size,
					  (off_t)writer->offset);
		free(take_ptr(frame->packed));
		writer->offset += frame->packed_size;
		writer->done += frame->size;
	}
	return err;
}

static int write_frames(struct writer *writer)
{
	uint32_t begin = 0;
	int err = 0;

	while (err == 0 && begin < writer->n_frames) {
		uint64_t size = 0;

		writer->end = begin;
		while (writer->end < writer->n_frames && size < BATCH_SIZE &&
		       writer->end - begin < BATCH_FRAMES)
			size += writer->frames[writer->end++].size;
		atomic_store(&writer->next, begin);
		compress_batch(writer);
		err = write_batch(writer, begin);
		begin = writer->end;
		if (writer->options->progress)
			writer->options->progress(writer->options->context,
						  writer->done);
	}
	return err;
}

static int write_index(struct writer *writer, const struct cfs_digest *image,
		       size_t index_size)
{
	const struct cfs_pack_order *order = writer->order;
	struct cfs_pack_header header = {
		.n_frames = cfs_pack_put32(writer->n_frames),
		.n_objects = cfs_pack_put32(order->n),
		.n_image_objects =
			cfs_pack_put32((uint32_t)order->table->n_objects),
		.file_size = cfs_pack_put64(writer->offset),
	};
	CLEANUP_FREE uint8_t *index = malloc(index_size);
	uint8_t *to = index;

	if (!index)
		return -ENOMEM;
	memcpy(header.magic, CFS_PACK_MAGIC, sizeof(header.magic));
	memcpy(header.image, image->bytes, CFS_DIGEST_LEN);
	memcpy(to, &header, sizeof(header));
	to += sizeof(header);
	for (uint32_t i = 0; i < writer->n_frames; i++) {
		const struct cfs_pack_frame frame = {
			cfs_pack_put32((uint32_t)writer->frames[i].packed_size),
			cfs_pack_put32(writer->frames[i].n),
		};

		memcpy(to, &frame, sizeof(frame));
		to += sizeof(frame);
	}
	for (uint32_t i = 0; i < order->n; i++) {
		const cfs_pack_le32 position =
			cfs_pack_put32(order->positions[i]);

		memcpy(to, &position, sizeof(position));
		to += sizeof(position);
	}
	return full_pwrite(writer->fd, index, index_size, 0);
}

int cfs_pack_write(const struct cfs_digest *image,
		   const struct cfs_pack_order *order,
		   const struct cfs_pack_options *options, int fd,
		   struct cfs_pack_report *ret)
{
	struct writer writer = {
		.order = order,
		.options = options,
		.report = ret,
		.fd = fd,
		.told = ATOMIC_FLAG_INIT,
	};
	size_t index_size;
	int err = plan(&writer);

	index_size = sizeof(struct cfs_pack_header) +
		     writer.n_frames * sizeof(struct cfs_pack_frame) +
		     order->n * sizeof(cfs_pack_le32);
	writer.offset = index_size;
	if (err == 0)
		err = write_frames(&writer);
	if (err == 0)
		err = write_index(&writer, image, index_size);
	ret->file_size = writer.offset;
	ret->n_frames = writer.n_frames;
	free(writer.frames);
	return err;
}
