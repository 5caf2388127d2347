/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every byte of an image.  An image is an EROFS file system in which regular
 * files have no data, only the name and fs-verity digest of an object; EROFS
 * features that images do not use are not described here.
 *
 *	   0	   32	composefs header
 *	1024	  128	EROFS superblock
 *	1152		inodes, 32-byte slots: inode, xattr body, inline tail
 *			shared xattr entries
 *			data blocks of 4096 bytes
 *
 * All integers are little endian.  An inode's number (nid) is its byte offset
 * divided by 32.  Compiled in the kernel and out of it; see cfs_compat.h.
 */
#ifndef CFS_FORMAT_H
#define CFS_FORMAT_H

#include "cfs_compat.h"

#define CFS_BLOCK_BITS		12
#define CFS_BLOCK_SIZE		4096
#define CFS_SLOT_BITS		5
#define CFS_SLOT_SIZE		32
#define CFS_IMAGE_SIZE_MIN	4096

#define CFS_HEADER_MAGIC	0xd078629a
#define CFS_HEADER_VERSION	1
#define CFS_HEADER_FLAG_HAS_ACL	(1U << 0)	/* some inode has a POSIX ACL */
#define CFS_VERSION_MIN		0	/* versions written: 0 and 1 */
#define CFS_VERSION_MAX		1
#define CFS_VERSION_READ_MAX	2

/* At offset 0. */
struct cfs_header {
	__le32 magic;			/* CFS_HEADER_MAGIC */
	__le32 version;			/* CFS_HEADER_VERSION */
	__le32 flags;			/* CFS_HEADER_FLAG_* */
	__le32 composefs_version;	/* 0 or 1; 2 is composefs-rs' own */
	__le32 reserved[4];		/* 0 */
};

static_assert(sizeof(struct cfs_header) == 32, "on-disk size");

#define CFS_SB_OFFSET		1024
#define CFS_SB_MAGIC		0xE0F5E1E2
#define CFS_FEATURE_COMPAT_SB_CHKSUM	0x1
#define CFS_FEATURE_COMPAT_MTIME	0x2
#define CFS_FEATURE_COMPAT_XATTR_FILTER	0x4
#define CFS_FEATURE_COMPAT_ALL		0x7
#define CFS_FEATURE_INCOMPAT_CHUNKED	0x4
#define CFS_FEATURE_INCOMPAT_ALL	0x4

/* At offset 1024. */
struct cfs_super {
	__le32 magic;			/* CFS_SB_MAGIC */
	__le32 checksum;		/* 0 */
	__le32 feature_compat;		/* CFS_FEATURE_COMPAT_* */
	__u8 blkszbits;			/* CFS_BLOCK_BITS */
	__u8 sb_extslots;		/* 0 */
	__le16 root_nid;
	__le64 inos;			/* number of inodes */
	__le64 build_time;		/* mtime of compact inodes: seconds, signed */
	__le32 build_time_nsec;
	__le32 blocks;			/* image size in blocks */
	__le32 meta_blkaddr;		/* 0 */
	__le32 xattr_blkaddr;		/* block that shared references count from */
	__u8 uuid[16];
	__u8 volume_name[16];
	__le32 feature_incompat;	/* CFS_FEATURE_INCOMPAT_* */
	__le16 available_compr_algs;
	__le16 extra_devices;
	__le16 devt_slotoff;
	__u8 dirblkbits;
	__u8 xattr_prefix_count;
	__le32 xattr_prefix_start;
	__le64 packed_nid;
	__u8 xattr_filter_reserved;
	__u8 reserved2[23];
} __attribute__((packed));

static_assert(sizeof(struct cfs_super) == 128, "on-disk size");
static_assert(offsetof(struct cfs_super, build_time) == 24, "on-disk offset");
static_assert(offsetof(struct cfs_super, feature_incompat) == 80, "on-disk offset");
static_assert(offsetof(struct cfs_super, packed_nid) == 96, "on-disk offset");

/* Where the first inode may lie. */
#define CFS_INODES_OFFSET	(CFS_SB_OFFSET + 128)

/* i_format: bit 0 extended, bits 1-3 the layout of the data. */
#define CFS_FORMAT_EXTENDED	0x1
#define CFS_FORMAT_LAYOUT_SHIFT	1
#define CFS_FORMAT_LAYOUT_MASK	0x7
#define CFS_FORMAT_KNOWN	0xf

enum {
	CFS_LAYOUT_FLAT_PLAIN = 0,	/* whole blocks at i_u */
	CFS_LAYOUT_FLAT_INLINE = 2,	/* the same, the last part after the inode */
	CFS_LAYOUT_CHUNK_BASED = 4,	/* an object: block map of holes */
};

struct cfs_inode_compact {
	__le16 format;
	__le16 xattr_icount;		/* 0, or (xattr body size - 12) / 4 + 1 */
	__le16 mode;
	__le16 nlink;
	__le32 size;
	__le32 reserved;
	__le32 u;			/* rdev, chunk format or first block */
	__le32 ino;
	__le16 uid;
	__le16 gid;
	__le32 reserved2;
};

static_assert(sizeof(struct cfs_inode_compact) == 32, "on-disk size");

struct cfs_inode_extended {
	__le16 format;
	__le16 xattr_icount;
	__le16 mode;
	__le16 reserved;
	__le64 size;
	__le32 u;
	__le32 ino;
	__le32 uid;
	__le32 gid;
	__le64 mtime;			/* seconds, signed */
	__le32 mtime_nsec;
	__le32 nlink;
	__u8 reserved2[16];
};

static_assert(sizeof(struct cfs_inode_extended) == 64, "on-disk size");
static_assert(offsetof(struct cfs_inode_extended, mtime) == 32, "on-disk offset");

/* Chunk format, low half of i_u: bits 0-4 log2(chunk size) - 12. */
#define CFS_CHUNK_BITS_MASK	0x1f
#define CFS_CHUNK_INDEXES	0x20	/* never set in an image */
#define CFS_CHUNK_BITS_MAX	43
#define CFS_CHUNK_HOLE		0xffffffffU	/* each block map entry */
#define CFS_CHUNKS_MAX		1024		/* of one file */
#define CFS_BACKING_SIZE_MAX	((__u64)CFS_CHUNKS_MAX << CFS_CHUNK_BITS_MAX)

/* Start of an inode's xattr body, then shared references, then entries. */
struct cfs_xattr_header {
	__le32 name_filter;		/* bit cleared = a name may be present */
	__u8 shared_count;
	__u8 reserved[7];
};

static_assert(sizeof(struct cfs_xattr_header) == 12, "on-disk size");

/* Name suffix and value follow, then zeros up to a multiple of 4. */
struct cfs_xattr_entry {
	__u8 name_len;			/* of the suffix */
	__u8 index;			/* CFS_XATTR_INDEX_* */
	__le16 value_len;
};

static_assert(sizeof(struct cfs_xattr_entry) == 4, "on-disk size");

enum {
	CFS_XATTR_INDEX_NONE = 0,	/* the suffix is the whole name */
	CFS_XATTR_INDEX_USER = 1,	/* "user." */
	CFS_XATTR_INDEX_ACL_ACCESS = 2,	/* "system.posix_acl_access" */
	CFS_XATTR_INDEX_ACL_DEFAULT = 3,/* "system.posix_acl_default" */
	CFS_XATTR_INDEX_TRUSTED = 4,	/* "trusted." */
	CFS_XATTR_INDEX_LUSTRE = 5,	/* "lustre."; version 2 only */
	CFS_XATTR_INDEX_SECURITY = 6,	/* "security." */
};

#define CFS_XATTR_FILTER_SEED	0x25BBE08FU
#define CFS_XATTR_SHARED_MAX	128	/* references per inode */

struct cfs_dirent {
	__le64 nid;
	__le16 nameoff;			/* from the start of the block */
	__u8 file_type;			/* CFS_FT_* */
	__u8 reserved;
} __attribute__((packed));

static_assert(sizeof(struct cfs_dirent) == 12, "on-disk size");

enum {
	CFS_FT_REG = 1,
	CFS_FT_DIR = 2,
	CFS_FT_CHR = 3,
	CFS_FT_BLK = 4,
	CFS_FT_FIFO = 5,
	CFS_FT_SOCK = 6,
	CFS_FT_LNK = 7,
};

/* Value of trusted.overlay.metacopy when the digest is known. */
struct cfs_metacopy {
	__u8 version;			/* 0 */
	__u8 len;			/* of this struct: 36 */
	__u8 flags;			/* 0 */
	__u8 digest_algo;		/* CFS_METACOPY_SHA256 */
	__u8 digest[32];
};

static_assert(sizeof(struct cfs_metacopy) == 36, "on-disk size");

#define CFS_METACOPY_SHA256	1
#define CFS_METACOPY_SHA512	2	/* 64-byte digests; not read yet */

#define CFS_NAME_MAX		255
#define CFS_SYMLINK_MAX		4095
#define CFS_INLINE_FILE_MAX	5000	/* bytes of content in the image */
#define CFS_STUBS		256	/* whiteouts 00..ff in the root */

#endif /* CFS_FORMAT_H */
