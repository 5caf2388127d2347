/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The smallest image that has one of everything, made byte by byte here so that
 * tests of the reader depend on no writer.  Tests break one thing of it.
 *
 *	1152	root	directory, one whole block: . .. 00 dev dir file inline link
 *	1280	file	an object: shared and inline xattrs, digest, path
 *	1536	inline	a file of 11 bytes
 *	1600	link	-> target!
 *	1664	stub	character device 0:0
 *	1696	dev	block device
 *	1728	dir	one whole block and a tail of entries, all leading to "inline"
 *	2048		a shared xattr
 *	8192		root's block
 *	12288		dir's block
 */
#ifndef TESTS_UNIT_TINY_IMAGE_H
#define TESTS_UNIT_TINY_IMAGE_H

#include <stdlib.h>
#include <string.h>

#include "kmod/cfs_image.h"
#include "tests/unit/test.h"

#define TINY_SIZE		16384
#define TINY_ROOT		1152
#define TINY_FILE		1280
#define TINY_INLINE		1536
#define TINY_LINK		1600
#define TINY_STUB		1664
#define TINY_DEV		1696
#define TINY_DIR		1728
#define TINY_SHARED_XATTR	2048
#define TINY_ROOT_BLOCK		8192
#define TINY_DIR_BLOCK		12288

#define TINY_NID(offset)	((offset) / CFS_SLOT_SIZE)

/* Inside "file": the parts of its xattr body. */
#define TINY_XATTRS		(TINY_FILE + 64)
#define TINY_REFERENCE		(TINY_XATTRS + 12)
#define TINY_METACOPY		(TINY_REFERENCE + 4)
#define TINY_METACOPY_VALUE	(TINY_METACOPY + 4 + 16)
#define TINY_REDIRECT		(TINY_METACOPY_VALUE + 36)
#define TINY_REDIRECT_VALUE	(TINY_REDIRECT + 4 + 16)
#define TINY_XATTRS_END		(TINY_REDIRECT_VALUE + 68)

#define TINY_FILE_SIZE		70000
#define TINY_OBJECT	"5a/5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778" \
			"79"
#define TINY_DIR_FULL		254	/* names n000.. in dir's whole block */
#define TINY_DIR_TAIL		3	/* names o0.. in its tail */
#define TINY_DIR_TAIL_LEN	(3 * (12 + 2))

/* Reading outside the source is the reader's bug, whatever the image says. */
struct tiny_image {
	struct cfs_source source;
	u8 *bytes;
	unsigned int reads;
};

static inline int tiny_read(const struct cfs_source *source, u64 offset, void *buf,
		     size_t len)
{
	struct tiny_image *tiny = (struct tiny_image *)source;

	CHECK(len > 0 && offset <= source->size &&
	      len <= source->size - offset);
	tiny->reads++;
	memcpy(buf, tiny->bytes + offset, len);
	return 0;
}

/* Names of a directory block, in order, and what they lead to. */
struct tiny_name {
	const char *name;
	u64 nid;
	u8 type;
};

static inline void tiny_dir_block(u8 *block, const struct tiny_name *names,
			   size_t count)
{
	size_t nameoff = count * sizeof(struct cfs_dirent);

	for (size_t i = 0; i < count; i++) {
		struct cfs_dirent dirent = {
			.nid = cpu_to_le64(names[i].nid),
			.nameoff = cpu_to_le16(nameoff),
			.file_type = names[i].type,
		};

		memcpy(block + i * sizeof(dirent), &dirent, sizeof(dirent));
		memcpy(block + nameoff, names[i].name, strlen(names[i].name));
		nameoff += strlen(names[i].name);
	}
}

static inline void tiny_compact(u8 *bytes, size_t offset, u16 layout, u16 mode,
			 u32 size, u32 u)
{
	struct cfs_inode_compact inode = {
		.format = cpu_to_le16(layout << CFS_FORMAT_LAYOUT_SHIFT),
		.mode = cpu_to_le16(mode),
		.nlink = cpu_to_le16(S_ISDIR(mode) ? 2 : 1),
		.size = cpu_to_le32(size),
		.u = cpu_to_le32(u),
		.uid = cpu_to_le16(7),
		.gid = cpu_to_le16(8),
	};

	memcpy(bytes + offset, &inode, sizeof(inode));
}

/* @value: NULL leaves the bytes as they are */
static inline void tiny_xattr(u8 *bytes, size_t offset, u8 index, const char *suffix,
		       const void *value, size_t len)
{
	struct cfs_xattr_entry entry = {
		.name_len = strlen(suffix),
		.index = index,
		.value_len = cpu_to_le16(len),
	};

	memcpy(bytes + offset, &entry, sizeof(entry));
	memcpy(bytes + offset + sizeof(entry), suffix, entry.name_len);
	if (value)
		memcpy(bytes + offset + sizeof(entry) + entry.name_len, value,
		       len);
}

/* As a writer computes it: a cleared bit for each name. */
static inline u32 tiny_filter_bit(u8 index, const char *suffix)
{
	return 1U << (xxh32(suffix, strlen(suffix),
			    CFS_XATTR_FILTER_SEED + index) & 31);
}

static inline void tiny_make_file(u8 *bytes)
{
	struct cfs_inode_extended inode = {
		.format = cpu_to_le16(CFS_LAYOUT_CHUNK_BASED
				      << CFS_FORMAT_LAYOUT_SHIFT |
				      CFS_FORMAT_EXTENDED),
		.xattr_icount = cpu_to_le16((TINY_XATTRS_END - TINY_XATTRS -
					     12) / 4 + 1),
		.mode = cpu_to_le16(S_IFREG | 0640),
		.size = cpu_to_le64(TINY_FILE_SIZE),
		.u = cpu_to_le32(5),	/* chunks of 128 KiB */
		.uid = cpu_to_le32(100000),
		.gid = cpu_to_le32(100001),
		.mtime = cpu_to_le64(-5),
		.mtime_nsec = cpu_to_le32(6),
		.nlink = cpu_to_le32(1),
	};
	struct cfs_xattr_header header = {
		.name_filter = cpu_to_le32(
			~(tiny_filter_bit(4, "overlay.metacopy") |
			  tiny_filter_bit(4, "overlay.redirect") |
			  tiny_filter_bit(6, "selinux"))),
		.shared_count = 1,
	};
	struct cfs_metacopy metacopy = {
		.len = sizeof(metacopy),
		.digest_algo = CFS_METACOPY_SHA256,
	};
	__le32 reference = cpu_to_le32(TINY_SHARED_XATTR / 4);

	for (size_t i = 0; i < sizeof(metacopy.digest); i++)
		metacopy.digest[i] = (u8)(0x5a + i);
	memcpy(bytes + TINY_FILE, &inode, sizeof(inode));
	memcpy(bytes + TINY_XATTRS, &header, sizeof(header));
	memcpy(bytes + TINY_REFERENCE, &reference, sizeof(reference));
	tiny_xattr(bytes, TINY_METACOPY, CFS_XATTR_INDEX_TRUSTED,
		   "overlay.metacopy", &metacopy, sizeof(metacopy));
	tiny_xattr(bytes, TINY_REDIRECT, CFS_XATTR_INDEX_TRUSTED,
		   "overlay.redirect", "/" TINY_OBJECT, 66);
	memset(bytes + TINY_XATTRS_END, 0xff, 4);	/* one chunk: a hole */
	tiny_xattr(bytes, TINY_SHARED_XATTR, CFS_XATTR_INDEX_SECURITY,
		   "selinux", "ctx", 4);
}

static inline void tiny_make_dir(u8 *bytes)
{
	static char text[TINY_DIR_FULL][8];
	struct tiny_name names[TINY_DIR_FULL + 2] = {
		{ ".", TINY_NID(TINY_DIR), CFS_FT_DIR },
		{ "..", TINY_NID(TINY_ROOT), CFS_FT_DIR },
	};
	const struct tiny_name tail[TINY_DIR_TAIL] = {
		{ "o0", TINY_NID(TINY_INLINE), CFS_FT_REG },
		{ "o1", TINY_NID(TINY_INLINE), CFS_FT_REG },
		{ "o2", TINY_NID(TINY_INLINE), CFS_FT_REG },
	};

	for (unsigned int i = 0; i < TINY_DIR_FULL; i++) {
		snprintf(text[i], sizeof(text[i]), "n%03u", i);
		names[i + 2] = (struct tiny_name){
			text[i], TINY_NID(TINY_INLINE), CFS_FT_REG,
		};
	}
	tiny_compact(bytes, TINY_DIR, CFS_LAYOUT_FLAT_INLINE, S_IFDIR | 0750,
		     CFS_BLOCK_SIZE + TINY_DIR_TAIL_LEN,
		     TINY_DIR_BLOCK / CFS_BLOCK_SIZE);
	tiny_dir_block(bytes + TINY_DIR_BLOCK, names, TINY_DIR_FULL + 2);
	tiny_dir_block(bytes + TINY_DIR + 32, tail, TINY_DIR_TAIL);
}

static inline void tiny_make_root(u8 *bytes)
{
	const struct tiny_name names[] = {
		{ ".", TINY_NID(TINY_ROOT), CFS_FT_DIR },
		{ "..", TINY_NID(TINY_ROOT), CFS_FT_DIR },
		{ "00", TINY_NID(TINY_STUB), CFS_FT_CHR },
		{ "dev", TINY_NID(TINY_DEV), CFS_FT_BLK },
		{ "dir", TINY_NID(TINY_DIR), CFS_FT_DIR },
		{ "file", TINY_NID(TINY_FILE), CFS_FT_REG },
		{ "inline", TINY_NID(TINY_INLINE), CFS_FT_REG },
		{ "link", TINY_NID(TINY_LINK), CFS_FT_LNK },
	};

	tiny_compact(bytes, TINY_ROOT, CFS_LAYOUT_FLAT_PLAIN, S_IFDIR | 0755,
		     CFS_BLOCK_SIZE, TINY_ROOT_BLOCK / CFS_BLOCK_SIZE);
	tiny_dir_block(bytes + TINY_ROOT_BLOCK, names,
		       sizeof(names) / sizeof(names[0]));
}

/* Owned by the caller, who gives it to tiny_free(). */
static inline struct tiny_image *tiny_make(void)
{
	struct tiny_image *tiny = calloc(1, sizeof(*tiny));
	const struct cfs_header header = {
		.magic = cpu_to_le32(CFS_HEADER_MAGIC),
		.version = cpu_to_le32(CFS_HEADER_VERSION),
		.flags = cpu_to_le32(CFS_HEADER_FLAG_HAS_ACL),
		.composefs_version = cpu_to_le32(1),
	};
	const struct cfs_super super = {
		.magic = cpu_to_le32(CFS_SB_MAGIC),
		.feature_compat = cpu_to_le32(CFS_FEATURE_COMPAT_MTIME |
					      CFS_FEATURE_COMPAT_XATTR_FILTER),
		.blkszbits = CFS_BLOCK_BITS,
		.root_nid = cpu_to_le16(TINY_NID(TINY_ROOT)),
		.inos = cpu_to_le64(7),
		.build_time = cpu_to_le64(1000),
		.build_time_nsec = cpu_to_le32(2000),
		.blocks = cpu_to_le32(TINY_SIZE / CFS_BLOCK_SIZE),
	};

	CHECK(tiny);
	tiny->bytes = calloc(1, TINY_SIZE);
	CHECK(tiny->bytes);
	tiny->source = (struct cfs_source){ .size = TINY_SIZE, .read = tiny_read };
	memcpy(tiny->bytes, &header, sizeof(header));
	memcpy(tiny->bytes + CFS_SB_OFFSET, &super, sizeof(super));
	tiny_make_root(tiny->bytes);
	tiny_make_file(tiny->bytes);
	tiny_compact(tiny->bytes, TINY_INLINE, CFS_LAYOUT_FLAT_INLINE,
		     S_IFREG | 0444, 11, 0);
	memcpy(tiny->bytes + TINY_INLINE + 32, "hello world", 11);
	tiny_compact(tiny->bytes, TINY_LINK, CFS_LAYOUT_FLAT_INLINE,
		     S_IFLNK | 0777, 7, 0);
	memcpy(tiny->bytes + TINY_LINK + 32, "target!", 7);
	tiny_compact(tiny->bytes, TINY_STUB, CFS_LAYOUT_FLAT_PLAIN,
		     S_IFCHR | 0644, 0, 0);
	tiny_compact(tiny->bytes, TINY_DEV, CFS_LAYOUT_FLAT_PLAIN,
		     S_IFBLK | 0600, 0, 0x803);
	tiny_make_dir(tiny->bytes);
	return tiny;
}

static inline void tiny_free(struct tiny_image *tiny)
{
	free(tiny->bytes);
	free(tiny);
}

/* Overwrite @width bytes with a little-endian number. */
static inline void tiny_poke(struct tiny_image *tiny, size_t offset, size_t width,
			     u64 value)
{
	for (size_t i = 0; i < width; i++)
		tiny->bytes[offset + i] = (u8)(value >> 8 * i);
}

static inline void tiny_open(struct tiny_image *tiny, struct cfs_image *image)
{
	CHECK_EQ(cfs_image_open(image, &tiny->source), 0);
}

#endif /* TESTS_UNIT_TINY_IMAGE_H */
