// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Version 2 of the format, which others write: the same structures used a little
 * differently, so that the reader reads it, too.
 */
#include "cache/image/check.h"
#include "cache/image/walk.h"
#include "cache/verity/hash.h"
#include "tests/unit/tiny_image.h"

/* What its writer makes of an empty tree; made here by hand from the format. */
#define EMPTY_DIGEST \
	"086b702a519b57d6ef5aea6f8b3f2be24355cd1fb835cd80fb4e3d388b24d5a5"

static void make_empty(struct tiny_image *tiny)
{
	const struct cfs_inode_extended root = {
		.format = cpu_to_le16(CFS_LAYOUT_FLAT_INLINE
				      << CFS_FORMAT_LAYOUT_SHIFT |
				      CFS_FORMAT_EXTENDED),
		.mode = cpu_to_le16(S_IFDIR | 0755),
		.size = cpu_to_le64(2 * sizeof(struct cfs_dirent) + 3),
		.ino = cpu_to_le32(TINY_NID(TINY_ROOT)),
		.nlink = cpu_to_le32(2),
	};
	const struct tiny_name names[] = {
		{ ".", TINY_NID(TINY_ROOT), CFS_FT_DIR },
		{ "..", TINY_NID(TINY_ROOT), CFS_FT_DIR },
	};
	const struct cfs_header header = {
		.magic = cpu_to_le32(CFS_HEADER_MAGIC),
		.version = cpu_to_le32(CFS_HEADER_VERSION),
		.composefs_version = cpu_to_le32(2),
	};
	const struct cfs_super super = {
		.magic = cpu_to_le32(CFS_SB_MAGIC),
		.feature_compat = cpu_to_le32(CFS_FEATURE_COMPAT_MTIME |
					      CFS_FEATURE_COMPAT_XATTR_FILTER),
		.blkszbits = CFS_BLOCK_BITS,
		.root_nid = cpu_to_le16(TINY_NID(TINY_ROOT)),
		.inos = cpu_to_le64(1),
		.blocks = cpu_to_le32(1),
	};

	tiny->source.size = CFS_BLOCK_SIZE;
	memset(tiny->bytes, 0, TINY_SIZE);
	memcpy(tiny->bytes, &header, sizeof(header));
	memcpy(tiny->bytes + CFS_SB_OFFSET, &super, sizeof(super));
	memcpy(tiny->bytes + TINY_ROOT, &root, sizeof(root));
	tiny_dir_block(tiny->bytes + TINY_ROOT + sizeof(root), names, 2);
}

static void test_empty_tree(void)
{
	char hex[CFS_DIGEST_HEX_LEN + 1];
	struct tiny_image *tiny = tiny_make();
	struct cfs_digest digest;
	struct cfs_image image;

	make_empty(tiny);
	CHECK_EQ(cfs_verity_hash_buffer(tiny->bytes, CFS_BLOCK_SIZE, &digest),
		 0);
	cfs_digest_format(&digest, hex);
	fprintf(stderr, "  %s\n", hex);
	CHECK(strcmp(hex, EMPTY_DIGEST) == 0);
	tiny_open(tiny, &image);
	CHECK_EQ(image.composefs_version, 2);
	CHECK_EQ(cfs_image_check(&image, NULL), 0);
	tiny_free(tiny);
}

/* Inodes, directories, xattrs and symlinks are the same structures. */
static void test_other_parts_are_the_same(void)
{
	struct tiny_image *tiny = tiny_make();
	struct cfs_image image;

	tiny_poke(tiny, offsetof(struct cfs_header, composefs_version), 4, 2);
	tiny_open(tiny, &image);
	CHECK_EQ(cfs_image_check(&image, NULL), 0);
	tiny_free(tiny);
}

RUN_TESTS(T(test_empty_tree), T(test_other_parts_are_the_same))
