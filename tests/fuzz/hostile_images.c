// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of hostile_images.h, in the order in which a mount meets the fields. */
#include "tests/fuzz/hostile_images.h"

#include "tests/unit/tiny_image.h"

#define FIELD(type, place, member, value) \
	{ (place) + offsetof(struct type, member), \
	  sizeof(((struct type *)0)->member), value }

#define HEADER(member, value)	FIELD(cfs_header, 0, member, value)
#define SUPER(member, value)	FIELD(cfs_super, CFS_SB_OFFSET, member, value)
#define INODE(place, member, value) \
	FIELD(cfs_inode_compact, place, member, value)
#define FILE_INODE(member, value) \
	FIELD(cfs_inode_extended, TINY_FILE, member, value)

/* Entries of the root: . .. 00 dev dir file inline link, and then their names. */
#define ROOT(i, member, value)	FIELD(cfs_dirent, TINY_ROOT_BLOCK + (i) * 12, \
				      member, value)
#define DEV	3
#define DIR	4
#define FILE_	5
#define INLINE	6
#define LINK	7
#define NAME(i)	(8 * 12 + "\0\1\3\5\10\13\17\25"[i])
#define NAMES	(TINY_ROOT_BLOCK + 8 * 12)

#define DIR_ENTRY(i, member, value) \
	FIELD(cfs_dirent, TINY_DIR_BLOCK + (i) * 12, member, value)
#define DIR_NAMES	(TINY_DIR_BLOCK + 256 * 12)

/* Bytes where the image has nothing else. */
#define SPARE		(TINY_DIR + 512)

static void all_zeros(uint8_t *bytes)
{
	memset(bytes, 0, TINY_SIZE);
}

static void all_ones(uint8_t *bytes)
{
	memset(bytes, 0xff, TINY_SIZE);
}

/* A redirect that leads elsewhere; what is left of its value is another xattr. */
static void set_path(uint8_t *bytes, const char *path)
{
	size_t end = (strlen(path) + 3) & ~3UL;

	memset(bytes + TINY_REDIRECT_VALUE, 0, 68);
	tiny_xattr(bytes, TINY_REDIRECT, CFS_XATTR_INDEX_TRUSTED,
		   "overlay.redirect", path, strlen(path));
	tiny_xattr(bytes, TINY_REDIRECT_VALUE + end, CFS_XATTR_INDEX_USER, "",
		   NULL, 68 - 4 - end);
}

static void path_upwards(uint8_t *bytes)
{
	set_path(bytes, "/../../etc/shadow");
}

static void path_upwards_inside(uint8_t *bytes)
{
	set_path(bytes, "/5a/../../../etc/shadow");
}

static void path_empty_component(uint8_t *bytes)
{
	set_path(bytes, "/5a//object");
}

static void path_relative(uint8_t *bytes)
{
	set_path(bytes, "5a/object");
}

static void path_root(uint8_t *bytes)
{
	set_path(bytes, "/");
}

static void path_none(uint8_t *bytes)
{
	set_path(bytes, "");
}

/* An inode with @len bytes of xattr body at SPARE, in the place of "inline". */
static uint8_t *spare_inode(uint8_t *bytes, size_t len)
{
	tiny_compact(bytes, SPARE, CFS_LAYOUT_FLAT_INLINE, S_IFREG | 0644, 0, 0);
	bytes[SPARE + 2] = (uint8_t)((len - 12) / 4 + 1);
	bytes[SPARE + 3] = (uint8_t)(((len - 12) / 4 + 1) >> 8);
	memset(bytes + SPARE + 32, 0, len);
	bytes[TINY_ROOT_BLOCK + INLINE * 12] = TINY_NID(SPARE) & 0xff;
	bytes[TINY_ROOT_BLOCK + INLINE * 12 + 1] = TINY_NID(SPARE) >> 8;
	return bytes + SPARE + 32;
}

/* 255 references to one xattr of 279 bytes of name: a list of 71 KB. */
static void list_over_the_limit(uint8_t *bytes)
{
	const size_t shared = 3 * CFS_BLOCK_SIZE - 1024;
	uint8_t *body = spare_inode(bytes, 12 + 255 * 4);

	body[4] = 255;
	for (size_t i = 0; i < 255; i++) {
		body[12 + i * 4] = (shared / 4) & 0xff;
		body[13 + i * 4] = (uint8_t)(shared / 4 >> 8);
	}
	memset(bytes + shared + 4, 'x', 255);
	bytes[shared] = 255;
	bytes[shared + 1] = CFS_XATTR_INDEX_SECURITY;
}

/* An ACL of @len bytes that says @version. */
static void set_acl(uint8_t *bytes, uint8_t version, uint16_t len)
{
	uint8_t *body = spare_inode(bytes, 12 + 4 + ((len + 3) & ~3));
	uint8_t acl[12] = { version, 0, 0, 0, 1, 0, 7, 0, 0xff, 0xff, 0xff, 0xff };

	tiny_xattr(body, 12, CFS_XATTR_INDEX_ACL_ACCESS, "",
		   len <= sizeof(acl) ? acl : NULL, len);
}

static void acl_of_another_version(uint8_t *bytes)
{
	set_acl(bytes, 9, 12);
}

static void acl_cut_short(uint8_t *bytes)
{
	set_acl(bytes, 2, 11);
}

static void acl_empty(uint8_t *bytes)
{
	set_acl(bytes, 2, 0);
}

static void acl_with_unknown_tags(uint8_t *bytes)
{
	set_acl(bytes, 2, 12);
	bytes[SPARE + 32 + 12 + 4 + 4] = 0x77;
}

#define BAD	-EFSCORRUPTED
#define OTHER	-EOPNOTSUPP
#define MOUNT(what)	.reader = what, .kernel = what
#define AT(what, where, result) \
	.reader = result, .step = HOSTILE_##what, .path = where, .kernel = result

const struct hostile_image hostile_images[] = {
	/* ---- the file ---- */
	{ "zeros", .make = all_zeros, MOUNT(-EINVAL) },
	{ "ones", .make = all_ones, MOUNT(-EINVAL) },
	{ "one byte", .truncate = 1, MOUNT(-EINVAL) },
	{ "less than a block", .truncate = 4095, MOUNT(-EINVAL) },
	{ "one block left", .truncate = 4096, MOUNT(BAD) },
	{ "one byte less", .truncate = TINY_SIZE - 1, MOUNT(BAD) },

	/* ---- header and superblock ---- */
	{ "no header magic", { HEADER(magic, 0) }, MOUNT(-EINVAL) },
	{ "header version", { HEADER(version, 2) }, MOUNT(OTHER) },
	{ "header flags", { HEADER(flags, 2) }, MOUNT(OTHER) },
	{ "format version", { HEADER(composefs_version, ~0U) }, MOUNT(OTHER) },
	{ "no EROFS magic", { SUPER(magic, 0) }, MOUNT(-EINVAL) },
	{ "compat features", { SUPER(feature_compat, 8) }, MOUNT(OTHER) },
	{ "incompat features", { SUPER(feature_incompat, ~0U) }, MOUNT(OTHER) },
	{ "block size 1", { SUPER(blkszbits, 0) }, MOUNT(OTHER) },
	{ "block size 512", { SUPER(blkszbits, 9) }, MOUNT(OTHER) },
	{ "block size 2^63", { SUPER(blkszbits, 63) }, MOUNT(OTHER) },
	{ "block size 2^255", { SUPER(blkszbits, 255) }, MOUNT(OTHER) },
	{ "directory block size", { SUPER(dirblkbits, 52) }, MOUNT(OTHER) },
	{ "extension slots", { SUPER(sb_extslots, 255) }, MOUNT(OTHER) },
	{ "metadata elsewhere", { SUPER(meta_blkaddr, ~0U) }, MOUNT(OTHER) },
	{ "devices", { SUPER(extra_devices, 1) }, MOUNT(OTHER) },
	{ "device slots", { SUPER(devt_slotoff, 1) }, MOUNT(OTHER) },
	{ "compression", { SUPER(available_compr_algs, 1) }, MOUNT(OTHER) },
	{ "xattr prefixes", { SUPER(xattr_prefix_count, 255) }, MOUNT(OTHER) },
	{ "packed inode", { SUPER(packed_nid, ~0ULL) }, MOUNT(OTHER) },
	{ "no blocks", { SUPER(blocks, 0) }, MOUNT(BAD) },
	{ "a block too many", { SUPER(blocks, 5) }, MOUNT(BAD) },
	{ "2^32 blocks", { SUPER(blocks, ~0U) }, MOUNT(BAD) },
	{ "build time", { SUPER(build_time_nsec, 1000000000) }, MOUNT(BAD) },
	{ "root 0", { SUPER(root_nid, 0) }, MOUNT(BAD) },
	{ "root in the superblock", { SUPER(root_nid, 35) }, MOUNT(BAD) },
	{ "root outside", { SUPER(root_nid, 0xffff) }, MOUNT(BAD) },
	{ "root is a file", { SUPER(root_nid, TINY_NID(TINY_INLINE)) }, MOUNT(BAD) },
	{ "root is a whiteout", { SUPER(root_nid, TINY_NID(TINY_STUB)) }, MOUNT(BAD) },
	{ "cut by its own superblock", { SUPER(blocks, 2) }, MOUNT(BAD) },

	/* ---- numbers of inodes ---- */
	{ "inode 0", { ROOT(INLINE, nid, 0) }, AT(STAT, "inline", BAD) },
	{ "inode in the superblock", { ROOT(INLINE, nid, 35) }, AT(STAT, "inline", BAD) },
	{ "inode behind the end", { ROOT(INLINE, nid, TINY_SIZE / 32) }, AT(STAT, "inline", BAD) },
	{ "inode 2^59 + 36", { ROOT(INLINE, nid, (1ULL << 59) + 36) }, AT(STAT, "inline", BAD) },
	{ "inode 2^64 - 1", { ROOT(INLINE, nid, ~0ULL) }, AT(STAT, "inline", BAD) },
	{ "half an inode at the end", { ROOT(INLINE, nid, TINY_SIZE / 32 - 1),
	  { TINY_SIZE - 32, 2, CFS_FORMAT_EXTENDED } }, AT(STAT, "inline", BAD) },

	/* ---- inodes ---- */
	{ "type 0", { INODE(TINY_INLINE, mode, 0644) }, AT(STAT, "inline", BAD) },
	{ "type 15", { INODE(TINY_INLINE, mode, 0170644) }, AT(STAT, "inline", BAD) },
	{ "unknown form", { INODE(TINY_INLINE, format, 0x14) }, AT(STAT, "inline", OTHER) },
	{ "compressed file", { INODE(TINY_INLINE, format, 2) }, AT(STAT, "inline", OTHER) },
	{ "layout 7", { INODE(TINY_INLINE, format, 14) }, AT(STAT, "inline", OTHER) },
	{ "inline file of 4 GiB", { INODE(TINY_INLINE, size, ~0U) }, AT(STAT, "inline", BAD) },
	{ "inline file too large", { INODE(TINY_INLINE, size, 5001) }, AT(STAT, "inline", BAD) },
	{ "tail across blocks", { INODE(TINY_INLINE, size, 4000) }, AT(STAT, "inline", BAD) },
	{ "file without its block", { INODE(TINY_INLINE, size, 4097) }, AT(STAT, "inline", BAD) },
	{ "file in block 2^32 - 1", { INODE(TINY_INLINE, size, 4097), INODE(TINY_INLINE, u, ~0U) },
	  AT(STAT, "inline", BAD) },
	{ "xattrs over the end", { INODE(TINY_INLINE, xattr_icount, 0xffff) }, AT(STAT, "inline", BAD) },
	{ "nanoseconds", { FILE_INODE(mtime_nsec, ~0U) }, AT(STAT, "file", BAD) },
	{ "size 2^63", { FILE_INODE(size, 1ULL << 63) }, AT(STAT, "file", BAD) },
	{ "size 2^64 - 1", { FILE_INODE(size, ~0ULL) }, AT(STAT, "file", BAD) },
	{ "size 2^53 + 1", { FILE_INODE(size, (1ULL << 53) + 1), FILE_INODE(u, 31) }, AT(STAT, "file", BAD) },
	{ "too many chunks", { FILE_INODE(size, (1024ULL << 17) + 1) }, AT(STAT, "file", BAD) },
	{ "chunk indexes", { FILE_INODE(u, CFS_CHUNK_INDEXES) }, AT(STAT, "file", OTHER) },
	{ "unknown chunk format", { FILE_INODE(u, 0xffc0) }, AT(STAT, "file", OTHER) },
	{ "device with a size", { INODE(TINY_DEV, size, 1) }, AT(STAT, "dev", BAD) },
	{ "device with chunks", { INODE(TINY_DEV, format, 8) }, AT(STAT, "dev", BAD) },
	{ "FIFO with a size", { INODE(TINY_LINK, mode, S_IFIFO), ROOT(LINK, file_type, CFS_FT_FIFO) },
	  AT(STAT, "link", BAD) },
	{ "socket with a size", { INODE(TINY_LINK, mode, S_IFSOCK), ROOT(LINK, file_type, CFS_FT_SOCK) },
	  AT(STAT, "link", BAD) },

	/* ---- symlinks ---- */
	{ "empty symlink", { INODE(TINY_LINK, size, 0) }, AT(STAT, "link", BAD) },
	{ "symlink of a page", { INODE(TINY_LINK, size, 4096) }, AT(STAT, "link", BAD) },
	{ "symlink of 4 GiB", { INODE(TINY_LINK, size, ~0U) }, AT(STAT, "link", BAD) },
	{ "symlink to an object", { INODE(TINY_LINK, format, 8) }, AT(STAT, "link", BAD) },
	{ "symlink outside", { INODE(TINY_LINK, format, 0), INODE(TINY_LINK, u, 4) }, AT(STAT, "link", BAD) },
	{ "symlink with a NUL", { { TINY_LINK + 35, 1, 0 } }, AT(STAT, "link", BAD) },

	/* ---- directories ---- */
	{ "empty directory", { INODE(TINY_DIR, size, 0) }, AT(STAT, "dir", BAD) },
	{ "directory without links", { INODE(TINY_DIR, nlink, 0) }, AT(STAT, "dir", BAD) },
	{ "directory with one link", { INODE(TINY_DIR, nlink, 1) }, AT(STAT, "dir", BAD) },
	{ "directory in an object", { INODE(TINY_DIR, format, 8) }, AT(STAT, "dir", BAD) },
	{ "directory in block 0", { INODE(TINY_DIR, u, 0) }, AT(STAT, "dir", BAD) },
	{ "directory behind the end", { INODE(TINY_DIR, u, 4) }, AT(STAT, "dir", BAD) },
	{ "directory in block 2^32 - 1", { INODE(TINY_DIR, u, ~0U) }, AT(STAT, "dir", BAD) },
	{ "directory of 4 GiB", { INODE(TINY_DIR, size, ~0U) }, AT(STAT, "dir", BAD) },
	{ "directory over the end", { INODE(TINY_DIR, size, 8200) }, AT(STAT, "dir", BAD) },
	{ "tail of no entry", { INODE(TINY_DIR, size, 4096 + 11) }, AT(LIST, "dir", BAD) },
	{ "no entries", { ROOT(0, nameoff, 0) }, AT(LIST, ".", BAD) },
	{ "less than an entry", { ROOT(0, nameoff, 11) }, AT(LIST, ".", BAD) },
	{ "half an entry", { ROOT(0, nameoff, 18) }, AT(LIST, ".", BAD) },
	{ "names behind the block", { ROOT(0, nameoff, 4096) }, AT(LIST, ".", BAD) },
	{ "5461 entries", { ROOT(0, nameoff, 0xfffc) }, AT(LIST, ".", BAD) },
	{ "entries to the end", { ROOT(0, nameoff, 4092) }, AT(LIST, ".", BAD) },
	{ "name inside the entries", { ROOT(DEV, nameoff, 12) }, AT(LIST, ".", BAD) },
	{ "name behind the block", { ROOT(DEV, nameoff, 4097) }, AT(LIST, ".", BAD) },
	{ "name at 65535", { ROOT(DEV, nameoff, 0xffff) }, AT(LIST, ".", BAD) },
	{ "names go backwards", { ROOT(FILE_, nameoff, NAME(2)) }, AT(LIST, ".", BAD) },
	{ "a search finds names go backwards", { ROOT(FILE_, nameoff, NAME(2)) }, AT(STAT, "dir", BAD) },
	{ "a search in a block that says nothing", { ROOT(0, nameoff, 0) }, AT(STAT, "zzz", BAD) },
	{ "empty name", { ROOT(DIR, nameoff, NAME(DIR + 1)) }, AT(LIST, ".", BAD) },
	{ "empty last name", { ROOT(LINK, nameoff, 4000) }, AT(LIST, ".", BAD) },
	{ "last name outside", { ROOT(LINK, nameoff, 4096) }, AT(LIST, ".", BAD) },
	{ "name of 279 bytes", { ROOT(LINK, nameoff, 400) }, AT(LIST, ".", BAD) },
	{ "slash in a name", { { NAMES + 6, 1, '/' } }, AT(LIST, ".", BAD) },
	{ "NUL in a name", { { NAMES + 6, 1, 0 } }, AT(LIST, ".", BAD) },
	{ "unsorted names", { { NAMES + 5, 1, 'z' } }, AT(LIST, ".", BAD) },
	{ "a name twice", { { NAMES + 9, 2, 'e' | 'v' << 8 } }, AT(LIST, ".", BAD) },
	{ "unsorted blocks", { { TINY_DIR + 32 + 3 * 12, 1, 'a' } }, AT(LIST, "dir", BAD) },
	{ "unsorted name far down", { { DIR_NAMES + 3 + 4 * 200 + 1, 3, 0 } }, AT(LIST, "dir", BAD) },
	{ "file type 0", { ROOT(DEV, file_type, 0) }, AT(LIST, ".", BAD) },
	{ "file type 8", { ROOT(DEV, file_type, 8) }, AT(LIST, ".", BAD) },
	{ "another type than the inode", { ROOT(INLINE, file_type, CFS_FT_DIR) }, AT(STAT, "inline", BAD) },
	{ "stub that is no inode", { ROOT(2, nid, 0) }, AT(LIST, ".", BAD) },

	/* ---- the tree ---- */
	{ "root in a directory", { DIR_ENTRY(2, nid, TINY_NID(TINY_ROOT)), DIR_ENTRY(2, file_type, CFS_FT_DIR) },
	  AT(STAT, "dir/n000", BAD) },
	{ "directory in itself", { DIR_ENTRY(2, nid, TINY_NID(TINY_DIR)), DIR_ENTRY(2, file_type, CFS_FT_DIR) },
	  AT(STAT, "dir/n000", BAD) },
	{ "root in itself", { ROOT(FILE_, nid, TINY_NID(TINY_ROOT)), ROOT(FILE_, file_type, CFS_FT_DIR) },
	  AT(STAT, "file", BAD) },
	{ "parent that is another", { DIR_ENTRY(1, nid, TINY_NID(TINY_INLINE)) }, AT(STAT, "dir", BAD) },
	{ "parent that is itself", { DIR_ENTRY(1, nid, TINY_NID(TINY_DIR)) }, AT(STAT, "dir", BAD) },
	{ "no parent", { { DIR_NAMES + 1, 2, '.' | '0' << 8 } }, AT(STAT, "dir", BAD) },
	{ "two names of a directory", { ROOT(FILE_, nid, TINY_NID(TINY_DIR)), ROOT(FILE_, file_type, CFS_FT_DIR) },
	  AT(STAT, "dir/../file", BAD) },

	/* ---- xattrs ---- */
	{ "more references than body", { { TINY_XATTRS + 4, 1, 255 } }, AT(LISTXATTR, "file", BAD) },
	{ "references over entries", { { TINY_XATTRS + 4, 1, 40 } }, AT(LISTXATTR, "file", BAD) },
	{ "unknown xattr prefix", { { TINY_METACOPY + 1, 1, 7 } }, AT(LISTXATTR, "file", OTHER) },
	{ "long xattr prefix", { { TINY_METACOPY + 1, 1, 0x80 } }, AT(LISTXATTR, "file", OTHER) },
	{ "xattr name over the end", { { TINY_REDIRECT, 1, 255 } }, AT(LISTXATTR, "file", BAD) },
	{ "xattr value over the end", { { TINY_REDIRECT + 2, 2, 70 } }, AT(LISTXATTR, "file", BAD) },
	{ "xattr value of 65535", { { TINY_REDIRECT + 2, 2, 65535 } }, AT(LISTXATTR, "file", BAD) },
	{ "NUL in an xattr name", { { TINY_METACOPY + 8, 1, 0 } }, AT(LISTXATTR, "file", BAD) },
	{ "xattr without a name", { { TINY_METACOPY, 2, 0 } }, AT(LISTXATTR, "file", BAD) },
	{ "shared xattr behind the end", { { TINY_REFERENCE, 4, TINY_SIZE / 4 } }, AT(GETXATTR, "file", BAD) },
	{ "shared xattr 2^32 - 1", { { TINY_REFERENCE, 4, ~0U } }, AT(GETXATTR, "file", BAD) },
	{ "shared xattr in the last bytes", { { TINY_REFERENCE, 4, TINY_SIZE / 4 - 1 } },
	  AT(GETXATTR, "file", BAD) },
	{ "shared xattrs from block 2^32 - 1", { SUPER(xattr_blkaddr, ~0U) }, AT(GETXATTR, "file", BAD) },
	{ "shared value over the end", { { TINY_SHARED_XATTR + 2, 2, 65535 } }, AT(GETXATTR, "file", BAD) },
	{ "list longer than a list may be", .make = list_over_the_limit, .reader = 0,
	  .step = HOSTILE_LISTXATTR, .path = "inline", .kernel = -E2BIG },
	{ "ACL of another version", .make = acl_of_another_version, .reader = 0,
	  .step = HOSTILE_ACL, .path = "inline", .kernel = OTHER },
	{ "ACL cut short", .make = acl_cut_short, .reader = 0,
	  .step = HOSTILE_ACL, .path = "inline", .kernel = -EINVAL },
	{ "ACL of no bytes", .make = acl_empty, .reader = 0,
	  .step = HOSTILE_ACL, .path = "inline", .kernel = -EINVAL },
	{ "ACL with unknown tags", .make = acl_with_unknown_tags, .reader = 0,
	  .step = HOSTILE_ACL, .path = "inline", .kernel = -EINVAL },

	/* ---- objects ---- */
	{ "metacopy version", { { TINY_METACOPY_VALUE, 1, 1 } }, AT(OPEN, "file", BAD) },
	{ "metacopy length", { { TINY_METACOPY_VALUE + 1, 1, 255 } }, AT(OPEN, "file", BAD) },
	{ "metacopy flags", { { TINY_METACOPY_VALUE + 2, 1, 1 } }, AT(OPEN, "file", BAD) },
	{ "digest algorithm 0", { { TINY_METACOPY_VALUE + 3, 1, 0 } }, AT(OPEN, "file", BAD) },
	{ "digest algorithm 255", { { TINY_METACOPY_VALUE + 3, 1, 255 } }, AT(OPEN, "file", BAD) },
	/* ... and what is left of it is no xattr */
	{ "metacopy of 3 bytes", { { TINY_METACOPY + 2, 2, 3 } },
	  .reader = OTHER, .step = HOSTILE_OPEN, .path = "file", .kernel = BAD },
	{ "metacopy of 33 bytes", { { TINY_METACOPY + 2, 2, 33 } }, AT(OPEN, "file", BAD) },
	{ "no metacopy", { { TINY_METACOPY + 4, 1, 'x' } }, AT(OPEN, "file", BAD) },
	{ "path upwards", .make = path_upwards, AT(OPEN, "file", BAD) },
	{ "path upwards inside", .make = path_upwards_inside, AT(OPEN, "file", BAD) },
	{ "path with an empty part", .make = path_empty_component, AT(OPEN, "file", BAD) },
	{ "path that is relative", .make = path_relative, AT(OPEN, "file", BAD) },
	{ "path of the basedir itself", .make = path_root, AT(OPEN, "file", BAD) },
	{ "path of no bytes", .make = path_none, AT(OPEN, "file", BAD) },
	{ "path with a NUL", { { TINY_REDIRECT_VALUE + 10, 1, 0 } }, AT(OPEN, "file", BAD) },

	/* ---- harmless: shown as the image says ---- */
	{ "file without links", { INODE(TINY_INLINE, nlink, 0) }, AT(NLINK, "inline", 0) },
	{ "file with 2^32 - 1 links", { FILE_INODE(nlink, ~0U) }, AT(NLINK, "file", 0), .seen = ~0U },
	{ "size 2^53", { FILE_INODE(size, 1ULL << 53), FILE_INODE(u, 31), { TINY_XATTRS_END, 4, ~0U } },
	  AT(SIZE, "file", 0), .seen = 1ULL << 53 },
	{ "no such user", { FILE_INODE(uid, ~0U), FILE_INODE(gid, ~0U) }, AT(UID, "file", 0), .seen = 65534 },
	{ "before all time", { FILE_INODE(mtime, 1ULL << 63) }, AT(MTIME, "file", 0), .seen = 1ULL << 63 },
	{ "2^64 - 1 inodes", { SUPER(inos, ~0ULL) }, AT(STAT, ".", 0) },
	{ "filter that hides an xattr", { { TINY_XATTRS, 4, ~0U } },
	  .step = HOSTILE_GETXATTR, .path = "file", .kernel = -ENODATA },
};

const size_t hostile_images_count =
	sizeof(hostile_images) / sizeof(hostile_images[0]);

size_t hostile_image_make(const struct hostile_image *image, uint8_t *bytes)
{
	for (size_t i = 0; i < 4; i++) {
		const struct hostile_patch *patch = &image->patches[i];

		for (size_t n = 0; n < patch->width; n++)
			bytes[patch->offset + n] = (uint8_t)(patch->value >> 8 * n);
	}
	if (image->make)
		image->make(bytes);
	return image->truncate ? image->truncate : TINY_SIZE;
}
