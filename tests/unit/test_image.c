// SPDX-License-Identifier: GPL-2.0-or-later
/* Header, superblock, inodes, and the bytes inodes hold in the image. */
#include "tests/unit/tiny_image.h"

#define FIELD(type, member)	offsetof(struct type, member), \
				sizeof(((struct type *)0)->member)

/* One field of the good image, broken. */
struct broken {
	const char *why;
	size_t base;
	size_t offset, width;
	u64 value;
	int expected;
};

static void test_good_image_is_opened(void)
{
	struct tiny_image *tiny = tiny_make();
	struct cfs_image image;

	tiny_open(tiny, &image);
	CHECK_EQ(image.size, TINY_SIZE);
	CHECK_EQ(image.root_nid, TINY_NID(TINY_ROOT));
	CHECK_EQ(image.inos, 7);
	CHECK_EQ(image.composefs_version, 1);
	CHECK(image.has_acl);
	CHECK(image.has_xattr_filter);
	CHECK_EQ(tiny->reads, 3);
	tiny_free(tiny);
}

/* What is behind the superblock's last block is not the image. */
static void test_padding_behind_the_image_is_not_read(void)
{
	struct tiny_image *tiny = tiny_make();
	struct cfs_inode inode;
	struct cfs_image image;

	tiny_poke(tiny, CFS_SB_OFFSET + offsetof(struct cfs_super, blocks), 4, 3);
	tiny_open(tiny, &image);
	CHECK_EQ(image.size, 3 * CFS_BLOCK_SIZE);
	CHECK_EQ(cfs_inode_read(&image, TINY_NID(TINY_DIR), &inode),
		 -EFSCORRUPTED);
	tiny_free(tiny);
}

static void test_bad_header_or_superblock_is_refused(void)
{
#define HEADER(member)	0, FIELD(cfs_header, member)
#define SUPER(member)	CFS_SB_OFFSET, FIELD(cfs_super, member)
	static const struct broken cases[] = {
		{ "other magic", HEADER(magic), 0xc078629a, -EINVAL },
		{ "header version 2", HEADER(version), 2, -EOPNOTSUPP },
		{ "header version 0", HEADER(version), 0, -EOPNOTSUPP },
		{ "unknown flag", HEADER(flags), 2, -EOPNOTSUPP },
		{ "format version 3", HEADER(composefs_version), 3, -EOPNOTSUPP },
		{ "format version max", HEADER(composefs_version), ~0U, -EOPNOTSUPP },
		{ "no EROFS", SUPER(magic), 0, -EINVAL },
		{ "unknown compat", SUPER(feature_compat), 0x8, -EOPNOTSUPP },
		{ "compressed", SUPER(feature_incompat), 0x1, -EOPNOTSUPP },
		{ "device table", SUPER(feature_incompat), 0x8, -EOPNOTSUPP },
		{ "blocks of 512", SUPER(blkszbits), 9, -EOPNOTSUPP },
		{ "blocks of 2^255", SUPER(blkszbits), 255, -EOPNOTSUPP },
		{ "extended superblock", SUPER(sb_extslots), 1, -EOPNOTSUPP },
		{ "metadata elsewhere", SUPER(meta_blkaddr), 1, -EOPNOTSUPP },
		{ "more devices", SUPER(extra_devices), 1, -EOPNOTSUPP },
		{ "directory blocks", SUPER(dirblkbits), 1, -EOPNOTSUPP },
		{ "long xattr prefixes", SUPER(xattr_prefix_count), 1, -EOPNOTSUPP },
		{ "packed inode", SUPER(packed_nid), 36, -EOPNOTSUPP },
		{ "compression", SUPER(available_compr_algs), 1, -EOPNOTSUPP },
		{ "truncated", SUPER(blocks), 5, -EFSCORRUPTED },
		{ "2^44 bytes", SUPER(blocks), ~0U, -EFSCORRUPTED },
		{ "no blocks", SUPER(blocks), 0, -EFSCORRUPTED },
		{ "nanoseconds", SUPER(build_time_nsec), 1000000000, -EFSCORRUPTED },
		{ "root 0", SUPER(root_nid), 0, -EFSCORRUPTED },
		{ "root in the superblock", SUPER(root_nid), 35, -EFSCORRUPTED },
		{ "root outside", SUPER(root_nid), TINY_SIZE / 32, -EFSCORRUPTED },
		{ "root is a file", SUPER(root_nid), TINY_NID(TINY_INLINE), -EFSCORRUPTED },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct broken *c = &cases[i];
		struct tiny_image *tiny = tiny_make();
		struct cfs_image image;

		fprintf(stderr, "  %s\n", c->why);
		tiny_poke(tiny, c->base + c->offset, c->width, c->value);
		CHECK_EQ(cfs_image_open(&image, &tiny->source), c->expected);
		tiny_free(tiny);
	}
}

/* A file that is too short for an image, at any length, is not read outside. */
static void test_every_truncation_is_refused(void)
{
	for (u64 size = 0; size < TINY_SIZE; size += size < 2000 ? 1 : 511) {
		struct tiny_image *tiny = tiny_make();
		struct cfs_image image;

		tiny->source.size = size;
		CHECK_EQ(cfs_image_open(&image, &tiny->source),
			 size < CFS_IMAGE_SIZE_MIN ? -EINVAL : -EFSCORRUPTED);
		tiny_free(tiny);
	}
}

static void test_compact_inode(void)
{
	struct tiny_image *tiny = tiny_make();
	struct cfs_inode inode;
	struct cfs_image image;
	char text[11];

	tiny_open(tiny, &image);
	CHECK_EQ(cfs_inode_read(&image, TINY_NID(TINY_INLINE), &inode), 0);
	CHECK_EQ(inode.mode, S_IFREG | 0444);
	CHECK_EQ(inode.uid, 7);
	CHECK_EQ(inode.gid, 8);
	CHECK_EQ(inode.nlink, 1);
	CHECK_EQ(inode.size, 11);
	CHECK_EQ(inode.mtime_sec, 1000);
	CHECK_EQ(inode.mtime_nsec, 2000);
	CHECK(!cfs_inode_has_backing(&inode));
	CHECK_EQ(cfs_data_read(&image, &inode, 0, text, 11), 0);
	CHECK(memcmp(text, "hello world", 11) == 0);
	CHECK_EQ(cfs_data_read(&image, &inode, 6, text, 5), 0);
	CHECK(memcmp(text, "world", 5) == 0);
	CHECK_EQ(cfs_data_read(&image, &inode, 11, text, 0), 0);
	CHECK_EQ(cfs_data_read(&image, &inode, 6, text, 6), -EINVAL);
	CHECK_EQ(cfs_data_read(&image, &inode, ~(u64)0, text, 1), -EINVAL);
	tiny_free(tiny);
}

static void test_extended_inode(void)
{
	struct tiny_image *tiny = tiny_make();
	struct cfs_inode inode;
	struct cfs_image image;
	char byte;

	tiny_open(tiny, &image);
	CHECK_EQ(cfs_inode_read(&image, TINY_NID(TINY_FILE), &inode), 0);
	CHECK_EQ(inode.mode, S_IFREG | 0640);
	CHECK_EQ(inode.uid, 100000);
	CHECK_EQ(inode.gid, 100001);
	CHECK_EQ(inode.size, TINY_FILE_SIZE);
	CHECK_EQ(inode.mtime_sec, -5);
	CHECK_EQ(inode.mtime_nsec, 6);
	CHECK_EQ(inode.chunk_bits, 17);
	CHECK(cfs_inode_has_backing(&inode));
	CHECK_EQ(cfs_data_read(&image, &inode, 0, &byte, 1), -EINVAL);
	tiny_free(tiny);
}

/* Both halves are found where a block ends between them. */
static void test_extended_inode_across_blocks(void)
{
	struct tiny_image *tiny = tiny_make();
	const size_t place = CFS_BLOCK_SIZE - 32;
	struct cfs_inode inode;
	struct cfs_image image;

	memcpy(tiny->bytes + place, tiny->bytes + TINY_FILE,
	       TINY_XATTRS_END + 4 - TINY_FILE);
	tiny_open(tiny, &image);
	CHECK_EQ(cfs_inode_read(&image, TINY_NID(place), &inode), 0);
	CHECK_EQ(inode.uid, 100000);
	CHECK_EQ(inode.mtime_nsec, 6);
	tiny_free(tiny);
}

static void test_devices_and_whiteouts(void)
{
	struct tiny_image *tiny = tiny_make();
	struct cfs_inode inode;
	struct cfs_image image;

	tiny_open(tiny, &image);
	CHECK_EQ(cfs_inode_read(&image, TINY_NID(TINY_DEV), &inode), 0);
	CHECK_EQ(inode.rdev, 0x803);
	CHECK(!cfs_inode_is_whiteout(&inode));
	CHECK_EQ(cfs_inode_read(&image, TINY_NID(TINY_STUB), &inode), 0);
	CHECK(cfs_inode_is_whiteout(&inode));
	CHECK_EQ(cfs_inode_read(&image, TINY_NID(TINY_INLINE), &inode), 0);
	CHECK_EQ(inode.rdev, 0);
	CHECK(!cfs_inode_is_whiteout(&inode));
	tiny_free(tiny);
}

static void test_symlink(void)
{
	char target[CFS_SYMLINK_MAX + 1];
	struct tiny_image *tiny = tiny_make();
	struct cfs_inode inode;
	struct cfs_image image;

	tiny_open(tiny, &image);
	CHECK_EQ(cfs_inode_read(&image, TINY_NID(TINY_LINK), &inode), 0);
	CHECK_EQ(cfs_symlink_read(&image, &inode, target), 0);
	CHECK(strcmp(target, "target!") == 0);
	tiny_poke(tiny, TINY_LINK + 32 + 3, 1, 0);
	CHECK_EQ(cfs_symlink_read(&image, &inode, target), -EFSCORRUPTED);
	CHECK_EQ(cfs_inode_read(&image, TINY_NID(TINY_INLINE), &inode), 0);
	CHECK_EQ(cfs_symlink_read(&image, &inode, target), -EINVAL);
	tiny_free(tiny);
}

/* The longest target that there is stands in a block of its own. */
static void test_longest_symlink(void)
{
	char target[CFS_SYMLINK_MAX + 1];
	struct tiny_image *tiny = tiny_make();
	struct cfs_inode inode;
	struct cfs_image image;

	memset(tiny->bytes + CFS_BLOCK_SIZE, 'x', CFS_SYMLINK_MAX);
	tiny_compact(tiny->bytes, TINY_LINK, CFS_LAYOUT_FLAT_PLAIN,
		     S_IFLNK | 0777, CFS_SYMLINK_MAX, 1);
	tiny_open(tiny, &image);
	CHECK_EQ(cfs_inode_read(&image, TINY_NID(TINY_LINK), &inode), 0);
	CHECK_EQ(cfs_symlink_read(&image, &inode, target), 0);
	CHECK_EQ(strlen(target), CFS_SYMLINK_MAX);
	tiny_free(tiny);
}

/* An inline file of the largest size, part in a block and part in the tail. */
static void test_inline_file_in_two_parts(void)
{
	struct tiny_image *tiny = tiny_make();
	const size_t tail = CFS_INLINE_FILE_MAX - CFS_BLOCK_SIZE;
	u8 bytes[CFS_INLINE_FILE_MAX];
	struct cfs_inode inode;
	struct cfs_image image;

	memset(tiny->bytes + CFS_BLOCK_SIZE, 'b', CFS_BLOCK_SIZE);
	tiny_compact(tiny->bytes, 2560, CFS_LAYOUT_FLAT_INLINE,
		     S_IFREG | 0444, CFS_INLINE_FILE_MAX, 1);
	memset(tiny->bytes + 2560 + 32, 't', tail);
	tiny_open(tiny, &image);
	CHECK_EQ(cfs_inode_read(&image, 2560 / 32, &inode), 0);
	CHECK_EQ(cfs_data_read(&image, &inode, 0, bytes, sizeof(bytes)), 0);
	CHECK(bytes[0] == 'b' && bytes[4095] == 'b' && bytes[4096] == 't' &&
	      bytes[4999] == 't');
	CHECK_EQ(cfs_data_read(&image, &inode, 4095, bytes, 2), 0);
	CHECK(bytes[0] == 'b' && bytes[1] == 't');
	CHECK_EQ(cfs_data_read(&image, &inode, 4097, bytes, 2), 0);
	CHECK(bytes[0] == 't' && bytes[1] == 't');
	tiny_free(tiny);
}

static void test_bad_inode_is_refused(void)
{
#define COMPACT(place, member)	place, FIELD(cfs_inode_compact, member)
#define EXTENDED(member)	TINY_FILE, FIELD(cfs_inode_extended, member)
	static const struct broken cases[] = {
		{ "type 0", COMPACT(TINY_INLINE, mode), 0644, -EFSCORRUPTED },
		{ "type 15", COMPACT(TINY_INLINE, mode), 0170644, -EFSCORRUPTED },
		{ "unknown format bit", COMPACT(TINY_INLINE, format), 0x14, -EOPNOTSUPP },
		{ "compressed", COMPACT(TINY_INLINE, format), 1 << 1, -EOPNOTSUPP },
		{ "compressed, legacy", COMPACT(TINY_INLINE, format), 3 << 1, -EOPNOTSUPP },
		{ "layout 7", COMPACT(TINY_INLINE, format), 7 << 1, -EOPNOTSUPP },
		{ "inline file too large", COMPACT(TINY_INLINE, size), 5001, -EFSCORRUPTED },
		{ "inline file without its block", COMPACT(TINY_INLINE, size), 4097, -EFSCORRUPTED },
		{ "tail across blocks", COMPACT(TINY_INLINE, size), 4000, -EFSCORRUPTED },
		{ "empty symlink", COMPACT(TINY_LINK, size), 0, -EFSCORRUPTED },
		{ "symlink of 4096", COMPACT(TINY_LINK, size), 4096, -EFSCORRUPTED },
		{ "symlink of 2^32 - 1", COMPACT(TINY_LINK, size), ~0U, -EFSCORRUPTED },
		{ "symlink to an object", COMPACT(TINY_LINK, format), 4 << 1, -EFSCORRUPTED },
		{ "symlink outside", COMPACT(TINY_LINK, format), 0, -EFSCORRUPTED },
		{ "device with a size", COMPACT(TINY_DEV, size), 1, -EFSCORRUPTED },
		{ "device with chunks", COMPACT(TINY_DEV, format), 4 << 1, -EFSCORRUPTED },
		{ "FIFO with a size", COMPACT(TINY_LINK, mode), S_IFIFO | 0600, -EFSCORRUPTED },
		{ "socket with a size", COMPACT(TINY_LINK, mode), S_IFSOCK | 0600, -EFSCORRUPTED },
		{ "empty directory", COMPACT(TINY_DIR, size), 0, -EFSCORRUPTED },
		{ "directory without links", COMPACT(TINY_DIR, nlink), 0, -EFSCORRUPTED },
		{ "directory with one link", COMPACT(TINY_DIR, nlink), 1, -EFSCORRUPTED },
		{ "directory in an object", COMPACT(TINY_DIR, format), 4 << 1, -EFSCORRUPTED },
		{ "directory in block 0", COMPACT(TINY_DIR, u), 0, -EFSCORRUPTED },
		{ "directory behind the end", COMPACT(TINY_DIR, u), 4, -EFSCORRUPTED },
		{ "directory far behind the end", COMPACT(TINY_DIR, u), ~0U, -EFSCORRUPTED },
		{ "directory of 4 GiB", COMPACT(TINY_DIR, size), ~0U, -EFSCORRUPTED },
		{ "directory ends behind the end", COMPACT(TINY_DIR, size), 8200, -EFSCORRUPTED },
		{ "xattrs behind the end", COMPACT(TINY_INLINE, xattr_icount), 0xffff, -EFSCORRUPTED },
		{ "nanoseconds", EXTENDED(mtime_nsec), 1000000000, -EFSCORRUPTED },
		{ "size 2^63", EXTENDED(size), 1ULL << 63, -EFSCORRUPTED },
		{ "size 2^64 - 1", EXTENDED(size), ~0ULL, -EFSCORRUPTED },
		{ "size 2^53 + 1", EXTENDED(size), (1ULL << 53) + 1, -EFSCORRUPTED },
		{ "more chunks than there can be", EXTENDED(size), (1024ULL << 17) + 1, -EFSCORRUPTED },
		{ "chunk indexes", EXTENDED(u), CFS_CHUNK_INDEXES, -EOPNOTSUPP },
		{ "unknown chunk bits", EXTENDED(u), 0x40, -EOPNOTSUPP },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct broken *c = &cases[i];
		struct tiny_image *tiny = tiny_make();
		struct cfs_inode inode;
		struct cfs_image image;

		fprintf(stderr, "  %s\n", c->why);
		tiny_open(tiny, &image);
		CHECK_EQ(cfs_inode_read(&image, TINY_NID(c->base), &inode), 0);
		tiny_poke(tiny, c->base + c->offset, c->width, c->value);
		CHECK_EQ(cfs_inode_read(&image, TINY_NID(c->base), &inode),
			 c->expected);
		tiny_free(tiny);
	}
}

/* A number is an inode only where one can be. */
static void test_bad_inode_number_is_refused(void)
{
	static const u64 nids[] = {
		0, 1, 35, TINY_SIZE / 32, TINY_SIZE / 32 + 1, 1ULL << 59,
		(1ULL << 59) + 36, 1ULL << 63, ~0ULL,
	};
	struct tiny_image *tiny = tiny_make();
	struct cfs_inode inode;
	struct cfs_image image;

	tiny_open(tiny, &image);
	for (size_t i = 0; i < sizeof(nids) / sizeof(nids[0]); i++)
		CHECK_EQ(cfs_inode_read(&image, nids[i], &inode),
			 -EFSCORRUPTED);
	/* The last slot can hold a compact inode, but half an extended one. */
	tiny_compact(tiny->bytes, TINY_SIZE - 32, 0, S_IFREG | 0600, 0, 0);
	CHECK_EQ(cfs_inode_read(&image, TINY_SIZE / 32 - 1, &inode), 0);
	tiny_poke(tiny, TINY_SIZE - 32, 2, CFS_FORMAT_EXTENDED);
	CHECK_EQ(cfs_inode_read(&image, TINY_SIZE / 32 - 1, &inode),
		 -EFSCORRUPTED);
	tiny_free(tiny);
}

static int fail_read(const struct cfs_source *source, u64 offset, void *buf,
		     size_t len)
{
	(void)source, (void)offset, (void)buf, (void)len;
	return -EIO;
}

/* An error of the source is not mistaken for a damaged image. */
static void test_source_errors_are_passed_on(void)
{
	struct tiny_image *tiny = tiny_make();
	struct cfs_inode inode;
	struct cfs_image image;

	tiny_open(tiny, &image);
	tiny->source.read = fail_read;
	CHECK_EQ(cfs_image_open(&image, &tiny->source), -EIO);
	CHECK_EQ(cfs_inode_read(&image, TINY_NID(TINY_FILE), &inode), -EIO);
	tiny_free(tiny);
}

RUN_TESTS(T(test_good_image_is_opened),
	  T(test_padding_behind_the_image_is_not_read),
	  T(test_bad_header_or_superblock_is_refused),
	  T(test_every_truncation_is_refused),
	  T(test_compact_inode),
	  T(test_extended_inode),
	  T(test_extended_inode_across_blocks),
	  T(test_devices_and_whiteouts),
	  T(test_symlink),
	  T(test_longest_symlink),
	  T(test_inline_file_in_two_parts),
	  T(test_bad_inode_is_refused),
	  T(test_bad_inode_number_is_refused),
	  T(test_source_errors_are_passed_on))
