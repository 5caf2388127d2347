/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pack: objects of one image, compressed, in the order in which they are needed,
 * as one static file packs/<image digest>[.NAME] that any web server with ranges can
 * serve.
 *
 *	+------------------------------+  0
 *	| struct cfs_pack_header       |
 *	+------------------------------+  64
 *	| struct cfs_pack_frame [n]    |	the index: with it a client knows where
 *	+------------------------------+	everything is, and what it has already
 *	| position of object, le32 [m] |
 *	+------------------------------+  64 + 8 n + 4 m
 *	| frame 0: one zstd frame      |	its objects, one behind the other
 *	+------------------------------+
 *	| frame 1                      |
 *	:                              :
 *	+------------------------------+  file_size
 *
 * An object is named by its position among the image's objects, sorted by digest
 * (cache/store/table.h): four bytes instead of thirty-two, and no way to name what
 * the image does not.  Digest and size come from the image.  So the index of 2,000
 * objects and the first frame arrive with the first window of a new connection.
 *
 * Frames are independent of each other and hold whole objects, in the order of the
 * index; the first ones are small, so that the first object need not wait for many
 * others.  The bytes in a frame are those of its objects and no more, which bounds
 * what it may expand to; zstd's window is at most %CFS_PACK_WINDOW_LOG, which bounds
 * the memory that takes.  There is no checksum: the objects have their digests.
 *
 * Rules that a reader checks: magic and reserved bytes; the image's digest and
 * number of objects; no object twice; each frame has at least one object and one
 * byte; the numbers add up to those in the header, and the sizes to file_size.
 *
 * All numbers are little-endian.  A new version gets a new magic.
 */
#ifndef CACHE_MIRROR_PACK_FORMAT_H
#define CACHE_MIRROR_PACK_FORMAT_H

#include <assert.h>
#include <endian.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/verity/digest.h"

#define CFS_PACK_MAGIC		"CFSPACK1"
#define CFS_PACK_WINDOW_LOG	20

typedef struct {
	uint32_t value;
} cfs_pack_le32;

typedef struct {
	uint32_t low, high;
} cfs_pack_le64;

struct cfs_pack_header {
	char magic[8];			/* CFS_PACK_MAGIC, without its NUL */
	cfs_pack_le32 n_frames;
	cfs_pack_le32 n_objects;
	cfs_pack_le32 n_image_objects;	/* of the image: positions are below it */
	cfs_pack_le32 reserved;		/* must be 0 */
	uint8_t image[CFS_DIGEST_LEN];
	cfs_pack_le64 file_size;	/* all of it, this header too */
};

struct cfs_pack_frame {
	cfs_pack_le32 packed_size;	/* bytes of the frame in the file */
	cfs_pack_le32 n_objects;
};

static_assert(sizeof(struct cfs_pack_header) == 64, "format");
static_assert(offsetof(struct cfs_pack_header, image) == 24, "format");
static_assert(offsetof(struct cfs_pack_header, file_size) == 56, "format");
static_assert(sizeof(struct cfs_pack_frame) == 8, "format");

static inline uint32_t cfs_pack_get32(cfs_pack_le32 field)
{
	return le32toh(field.value);
}

static inline cfs_pack_le32 cfs_pack_put32(uint32_t value)
{
	return (cfs_pack_le32){ htole32(value) };
}

static inline uint64_t cfs_pack_get64(cfs_pack_le64 field)
{
	return le32toh(field.low) | (uint64_t)le32toh(field.high) << 32;
}

static inline cfs_pack_le64 cfs_pack_put64(uint64_t value)
{
	return (cfs_pack_le64){ htole32((uint32_t)value),
				htole32((uint32_t)(value >> 32)) };
}

#endif /* CACHE_MIRROR_PACK_FORMAT_H */
