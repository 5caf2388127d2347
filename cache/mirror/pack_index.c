// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache/mirror/pack_index.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/bitmap.h"
#include "cache/base/cleanup.h"

int cfs_pack_index_size(const void *data, size_t len,
			const struct cfs_digest *image,
			const struct cfs_object_table *table, uint64_t *ret)
{
	struct cfs_pack_header header;
	uint64_t n_frames, n_objects;

	if (len < sizeof(header))
		return CFS_PACK_MORE;
	memcpy(&header, data, sizeof(header));
	n_frames = cfs_pack_get32(header.n_frames);
	n_objects = cfs_pack_get32(header.n_objects);
	if (memcmp(header.magic, CFS_PACK_MAGIC, sizeof(header.magic)) != 0 ||
	    cfs_pack_get32(header.reserved) != 0 ||
	    memcmp(header.image, image->bytes, CFS_DIGEST_LEN) != 0 ||
	    cfs_pack_get32(header.n_image_objects) != table->n_objects ||
	    n_objects > table->n_objects || n_frames > n_objects)
		return -EBADMSG;
	*ret = sizeof(header) + n_frames * sizeof(struct cfs_pack_frame) +
	       n_objects * sizeof(cfs_pack_le32);
	return 0;
}

static int read_objects(const uint8_t *data, const struct cfs_object_table *table,
			struct cfs_pack_index *index)
{
	CLEANUP_FREE uint8_t *seen = bitmap_new(table->n_objects);

	if (!seen)
		return -ENOMEM;
	for (uint32_t i = 0; i < index->n_objects; i++) {
		cfs_pack_le32 field;
		uint32_t position;

		memcpy(&field, data + i * sizeof(field), sizeof(field));
		position = cfs_pack_get32(field);
		if (position >= table->n_objects ||
		    bitmap_set(seen, position))
			return -EBADMSG;
		index->objects[i] = table->objects[position];
	}
	return 0;
}

static int read_frames(const uint8_t *data, struct cfs_pack_index *index)
{
	uint64_t offset = index->index_size;
	uint32_t n = 0;

	for (uint32_t i = 0; i < index->n_parts; i++) {
		struct cfs_pack_part *part = &index->parts[i];
		struct cfs_pack_frame frame;

		memcpy(&frame, data + i * sizeof(frame), sizeof(frame));
		part->offset = offset;
		part->packed_size = cfs_pack_get32(frame.packed_size);
		part->first = n;
		part->n = cfs_pack_get32(frame.n_objects);
		if (part->packed_size == 0 || part->n == 0 ||
		    part->n > index->n_objects - n)
			return -EBADMSG;
		for (uint32_t j = 0; j < part->n; j++)
			if (__builtin_add_overflow(part->size,
						   index->objects[n + j].size,
						   &part->size))
				return -EBADMSG;
		n += part->n;
		offset += part->packed_size;
	}
	return n == index->n_objects && offset == index->file_size ? 0 : -EBADMSG;
}

static int fill(const uint8_t *data, const struct cfs_object_table *table,
		struct cfs_pack_index *index)
{
	const uint8_t *frames = data + sizeof(struct cfs_pack_header);
	const uint8_t *positions =
		frames + index->n_parts * sizeof(struct cfs_pack_frame);
	int err;

	/* One more, so that an empty one is no failure. */
	index->objects = calloc(index->n_objects + 1, sizeof(*index->objects));
	index->parts = calloc(index->n_parts + 1, sizeof(*index->parts));
	if (!index->objects || !index->parts)
		return -ENOMEM;
	err = read_objects(positions, table, index);
	return err < 0 ? err : read_frames(frames, index);
}

int cfs_pack_index_new(const void *data, size_t len,
		       const struct cfs_digest *image,
		       const struct cfs_object_table *table,
		       struct cfs_pack_index **ret)
{
	struct cfs_pack_header header;
	struct cfs_pack_index *index;
	uint64_t size;
	int err = cfs_pack_index_size(data, len, image, table, &size);

	if (err)
		return err;
	if (len < size)
		return CFS_PACK_MORE;
	memcpy(&header, data, sizeof(header));
	index = calloc(1, sizeof(*index));
	if (!index)
		return -ENOMEM;
	index->n_objects = cfs_pack_get32(header.n_objects);
	index->n_parts = cfs_pack_get32(header.n_frames);
	index->index_size = size;
	index->file_size = cfs_pack_get64(header.file_size);
	err = fill(data, table, index);
	if (err < 0) {
		cfs_pack_index_free(index);
		return err;
	}
	*ret = index;
	return 0;
}

void cfs_pack_index_free(struct cfs_pack_index *index)
{
	if (!index)
		return;
	free(index->objects);
	free(index->parts);
	free(index);
}
