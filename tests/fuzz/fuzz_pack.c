// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a mirror can say about packs: the index of one, for an image of as many
 * objects as the input's first byte says; and the mirror file.
 *
 * The magic, the image and its number of objects are put right, or hardly an input
 * would get beyond them.
 */
#include <stdlib.h>
#include <string.h>

#include "cache/mirror/mirror_file.h"
#include "cache/mirror/pack_index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct cfs_digest image;

static void put_right(uint8_t *pack, size_t len, size_t n_image_objects)
{
	struct cfs_pack_header header;

	if (len < sizeof(header))
		return;
	memcpy(&header, pack, sizeof(header));
	memcpy(header.magic, CFS_PACK_MAGIC, sizeof(header.magic));
	memcpy(header.image, image.bytes, CFS_DIGEST_LEN);
	header.n_image_objects = cfs_pack_put32((uint32_t)n_image_objects);
	header.reserved = cfs_pack_put32(0);
	memcpy(pack, &header, sizeof(header));
}

/* What was accepted holds together. */
static void check(const struct cfs_pack_index *index)
{
	uint64_t offset = index->index_size;
	uint32_t n = 0;

	for (uint32_t i = 0; i < index->n_parts; i++) {
		const struct cfs_pack_part *part = &index->parts[i];
		uint64_t size = 0;

		if (part->offset != offset || part->first != n || !part->n)
			abort();
		for (uint32_t j = 0; j < part->n; j++)
			size += index->objects[n + j].size;
		if (size != part->size)
			abort();
		offset += part->packed_size;
		n += part->n;
	}
	if (offset != index->file_size || n != index->n_objects)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct cfs_object_entry objects[256];
	struct cfs_object_table table = { .objects = objects };
	struct cfs_pack_index *index;
	unsigned int folders;
	uint64_t size;
	uint8_t *pack;

	(void)cfs_mirror_file_parse((const char *)data, len, &folders);
	if (len == 0)
		return 0;
	table.n_objects = data[0];
	for (size_t i = 0; i < 256; i++)
		objects[i].size = i % 5 == 4 ? UINT64_MAX / 3 : i;
	pack = malloc(len);
	if (!pack)
		return 0;
	memcpy(pack, data + 1, len - 1);
	put_right(pack, len - 1, table.n_objects);
	if (cfs_pack_index_size(pack, len - 1, &image, &table, &size) == 0 &&
	    size > 64 + 12 * table.n_objects)
		abort();
	if (cfs_pack_index_new(pack, len - 1, &image, &table, &index) == 0) {
		check(index);
		cfs_pack_index_free(index);
	}
	free(pack);
	return 0;
}
