/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Read the index of a pack (pack_format.h).  Nothing in it is trusted but what has
 * been compared with the image.
 *
 * Ownership: cfs_pack_index_new() gives the caller an index to
 * cfs_pack_index_free().  Pure; once made it is only read.
 */
#ifndef CACHE_MIRROR_PACK_INDEX_H
#define CACHE_MIRROR_PACK_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "cache/store/table.h"
#include "cache/mirror/pack_format.h"

enum {
	CFS_PACK_MORE = 1,	/* more bytes are needed to tell */
};

/**
 * struct cfs_pack_part - one frame
 * @offset: of its first byte in the file
 * @packed_size: bytes in the file
 * @size: bytes of its objects
 * @first: of its objects, into cfs_pack_index.objects
 * @n: how many, at least 1
 */
struct cfs_pack_part {
	uint64_t offset;
	uint64_t size;
	uint32_t packed_size;
	uint32_t first, n;
};

/**
 * struct cfs_pack_index - where everything is
 * @objects: in the order of the frames: digest and size, as the image says
 * @parts: the frames, in the order of the file, without gaps
 * @index_size: bytes before the first frame
 * @file_size: where the last one ends
 */
struct cfs_pack_index {
	struct cfs_object_entry *objects;
	uint32_t n_objects;
	struct cfs_pack_part *parts;
	uint32_t n_parts;
	uint64_t index_size;
	uint64_t file_size;
};

/**
 * cfs_pack_index_size() - how many bytes are header and index?
 * @data: the beginning of a pack
 * @len: of @data
 * @image: digest of the image that it must be of
 * @table: the objects of that image
 * @ret: in bytes; bounded by the number of objects of the image; untouched unless 0
 *
 * Return: 0, CFS_PACK_MORE, or -EBADMSG (no pack of that image).
 */
int cfs_pack_index_size(const void *data, size_t len,
			const struct cfs_digest *image,
			const struct cfs_object_table *table, uint64_t *ret);

/**
 * cfs_pack_index_new() - read header and index
 * @data: at least as many bytes as cfs_pack_index_size() says
 * @ret: owned by the caller; untouched on failure
 *
 * Return: 0, CFS_PACK_MORE, -EBADMSG or -ENOMEM.
 */
int cfs_pack_index_new(const void *data, size_t len,
		       const struct cfs_digest *image,
		       const struct cfs_object_table *table,
		       struct cfs_pack_index **ret);

/** cfs_pack_index_free() - NULL is allowed */
void cfs_pack_index_free(struct cfs_pack_index *index);

#endif /* CACHE_MIRROR_PACK_INDEX_H */
