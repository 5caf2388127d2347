/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The only code that turns image bytes into numbers.  Compiled in the kernel
 * and out of it (see cfs_compat.h): no allocation, no I/O, no locks, no page
 * cache.  Bytes come through the caller's ->read(), by copy, so that what was
 * checked is what is used even if the file below changes meanwhile.  Only the search
 * in directories looks at lent bytes, and loads each number once.
 *
 * Nothing in an image is trusted: every field is checked before use, and each
 * error an image can cause is -EFSCORRUPTED (-EUCLEAN), or -EOPNOTSUPP for a
 * feature that composefs images do not use.  Cost per call is bounded by
 * constants, not by numbers found in the image, unless the function says so.
 *
 * What can't be known from one place is for the caller to refuse, or it may never
 * end: two names of one directory, a directory below itself, a ".." that is not
 * the parent, two different directories with the same bytes.  A walk marks what it
 * visited; the kernel module refuses a directory that has another name in the dcache
 * already.  A directory entry's file type may contradict the inode: compare
 * it with cfs_file_type().
 *
 * Ownership: structs are the caller's; buffers passed in are borrowed for the
 * duration of the call.  An opened image is never written again and may be used
 * by any number of threads, if its ->read() may.
 */
#ifndef CFS_IMAGE_H
#define CFS_IMAGE_H

#include "cfs_format.h"

/**
 * struct cfs_loan - bytes of an image where they are
 * @bytes: they may change at any time
 * @owner: the lender's
 */
struct cfs_loan {
	const void *bytes;
	void *owner;
};

/**
 * struct cfs_source - where the bytes of an image come from
 * @size: of the image file, in bytes
 * @read: copy @len bytes at @offset into @buf; the reader has checked that they
 *	lie inside @size; returns 0 or -errno
 * @lend: optional: the same without a copy, for bytes inside one block
 * @give_back: ends a loan; there is one at a time
 */
struct cfs_source {
	u64 size;
	int (*read)(const struct cfs_source *source, u64 offset, void *buf,
		    size_t len);
	int (*lend)(const struct cfs_source *source, u64 offset, size_t len,
		    struct cfs_loan *ret);
	void (*give_back)(struct cfs_loan *loan);
};

/**
 * struct cfs_image - an image whose header, superblock and root were checked
 * @size: bytes that belong to the image: what the superblock says, at most
 *	the source's
 * @inos: number of inodes, if the image is honest
 */
struct cfs_image {
	const struct cfs_source *source;	/* borrowed */
	u64 size;
	u64 inos;
	u64 root_nid;
	s64 build_time;			/* mtime of compact inodes, seconds */
	u32 build_time_nsec;
	u32 xattr_blkaddr;
	u32 composefs_version;
	bool has_acl;
	bool has_xattr_filter;
};

/**
 * struct cfs_inode - one inode, decoded and checked
 * @nid: its place in the image; stable, a name for the inode
 * @mode: type and permissions, type is one of the seven
 * @rdev: for character and block devices: as stat(2) encodes it in 32 bits
 * @nlink: at least 2 for a directory; for others what the image's author said,
 *	which can be 0
 * @layout: CFS_LAYOUT_*
 * @chunk_bits: log2 of the chunk size, if the layout has chunks
 * @xattr_offset: byte offset of the xattr body
 * @xattr_len: bytes of the xattr body, 0 if there is none
 * @data_offset: byte offset of the whole blocks, if the layout has them
 * @tail_offset: byte offset of the inline tail
 * @tail_len: bytes of data in the inline tail
 */
struct cfs_inode {
	u64 nid;
	u64 size;
	s64 mtime_sec;
	u32 mtime_nsec;
	u32 mode;
	u32 nlink;
	u32 uid;
	u32 gid;
	u32 rdev;
	u32 ino;
	u8 layout;
	u8 chunk_bits;
	u32 xattr_len;
	u64 xattr_offset;
	u64 data_offset;
	u64 tail_offset;
	u32 tail_len;
};

/**
 * cfs_image_open() - check header, superblock and that the root is a directory
 * @image: filled in on success, undefined on failure
 * @source: borrowed for as long as @image is used
 *
 * Reads three structs: cost does not depend on the size of the image.
 *
 * Return: 0; -EINVAL if this is not a composefs image; -EOPNOTSUPP if it needs
 * an EROFS feature that composefs images do not use; -EFSCORRUPTED if it
 * contradicts itself; or what ->read() returned.
 */
int cfs_image_open(struct cfs_image *image, const struct cfs_source *source);

/**
 * cfs_inode_read() - decode an inode
 * @nid: untrusted
 *
 * Checks what can be known from the inode alone: type bits, layout, that size,
 * xattr body, blocks and tail lie inside the image, link and inline sizes.
 *
 * Return: 0, -EFSCORRUPTED, -EOPNOTSUPP, or what ->read() returned.
 */
int cfs_inode_read(const struct cfs_image *image, u64 nid,
		   struct cfs_inode *ret);

/** cfs_file_type() - CFS_FT_* of an inode's mode */
u8 cfs_file_type(u32 mode);

/**
 * cfs_inode_is_whiteout() - is this inode hidden in a mounted tree?
 *
 * A character device 0:0 is, wherever it is: the 256 stubs of the root are such,
 * and overlayfs shows none.  (Whiteouts that the tree itself had are stored as
 * regular files with xattrs.)
 */
static inline bool cfs_inode_is_whiteout(const struct cfs_inode *inode)
{
	return S_ISCHR(inode->mode) && inode->rdev == 0;
}

/**
 * cfs_data_read() - bytes that the image itself holds
 * @inode: a symlink, a directory or a regular file with inline content
 * @offset: @offset + @len must not exceed the inode's size
 *
 * Return: 0, -EINVAL if @inode has no such bytes, -EFSCORRUPTED, or what
 * ->read() returned.
 */
int cfs_data_read(const struct cfs_image *image, const struct cfs_inode *inode,
		  u64 offset, void *buf, size_t len);

/**
 * cfs_symlink_read() - the target of a symlink
 * @inode: a symlink
 * @buf: room for the inode's size (at most CFS_SYMLINK_MAX) and a NUL
 *
 * Return: 0, -EFSCORRUPTED if the target has a NUL inside, or what ->read()
 * returned.
 */
int cfs_symlink_read(const struct cfs_image *image,
		     const struct cfs_inode *inode, char *buf);

/* ---- cfs_dir.c ---- */

/**
 * struct cfs_dir_entry - one name of a directory
 * @name: no NUL at the end, no '/' or NUL inside, not empty
 * @file_type: CFS_FT_*; only a hint, the inode decides
 */
struct cfs_dir_entry {
	const char *name;
	u32 name_len;
	u8 file_type;
	u64 nid;
};

/**
 * typedef cfs_dir_fn - called for each entry
 * @position: of this entry; pass position + 1 to go on behind it
 *
 * Return: 0 to go on, anything else to stop.
 */
typedef int (*cfs_dir_fn)(void *context, const struct cfs_dir_entry *entry,
			  u64 position);

/**
 * cfs_dir_iterate() - visit the entries of a directory in stored order
 * @dir: a directory
 * @position: where to start: 0, or one more than a position seen; a position is
 *	block number << 12 | index in the block, stable for the image's life;
 *	any other number is harmless
 * @block: scratch space of CFS_BLOCK_SIZE bytes; @fn must leave it alone
 *
 * "." and ".." are entries like others.  Names and their order within and
 * between blocks are checked: strictly ascending, also from the entry before
 * @position, so that a list in several calls is.  One ->read() a
 * block (two where it is split), in ascending order.
 *
 * Return: 0 at the end, what @fn returned, -EFSCORRUPTED, or what ->read()
 * returned.
 */
int cfs_dir_iterate(const struct cfs_image *image, const struct cfs_inode *dir,
		    u64 position, void *block, cfs_dir_fn fn, void *context);

/**
 * cfs_dir_lookup() - find a name by binary search
 * @name: not empty; longer than CFS_NAME_MAX is just not found
 * @block: scratch space of CFS_BLOCK_SIZE bytes; not used if the source lends
 * @ret: nid and type on success; ->name points to @name
 *
 * Reads log2(blocks) + 1 blocks at most: one for all but large directories.
 * Only entries that the search touches are checked.
 *
 * Return: 0, -ENOENT, -EFSCORRUPTED, or what ->read() returned.
 */
int cfs_dir_lookup(const struct cfs_image *image, const struct cfs_inode *dir,
		   const char *name, size_t name_len, void *block,
		   struct cfs_dir_entry *ret);

/* ---- cfs_xattr.c ---- */

#define CFS_XATTR_NAME_BUF	(256 + 32)	/* longest prefix + suffix + NUL */

/**
 * struct cfs_xattr - one stored xattr, as an EROFS reader sees it
 * @name: prefix and suffix joined, NUL at the end and none inside
 * @index: CFS_XATTR_INDEX_*: which prefix it was stored with
 * @value_offset: byte offset of the value in the image
 */
struct cfs_xattr {
	char name[CFS_XATTR_NAME_BUF];
	u32 name_len;
	u32 value_len;
	u8 index;
	u64 value_offset;
};

/**
 * typedef cfs_xattr_fn - called for each stored xattr
 * @xattr: the caller's scratch; may be written to, its name for instance
 *
 * Return: 0 to go on, anything else to stop.
 */
typedef int (*cfs_xattr_fn)(void *context, struct cfs_xattr *xattr);

/**
 * cfs_xattr_iterate() - visit the stored xattrs of an inode, inline ones first
 *
 * Cost is bounded by the inode's xattr body (at most 256 KiB) and 255 shared
 * references.  A name can occur twice in a hostile image: the first counts.
 *
 * Return: 0, what @fn returned, -EFSCORRUPTED, -EOPNOTSUPP (a name prefix that
 * images do not use), or what ->read() returned.
 */
int cfs_xattr_iterate(const struct cfs_image *image,
		      const struct cfs_inode *inode, struct cfs_xattr *scratch,
		      cfs_xattr_fn fn, void *context);

/**
 * cfs_xattr_value() - copy a value out of the image
 * @buf: room for @xattr->value_len bytes
 */
int cfs_xattr_value(const struct cfs_image *image,
		    const struct cfs_xattr *xattr, void *buf);

/**
 * cfs_xattr_unescape() - the name that the tree's xattr had before it was stored
 * @xattr: its name is rewritten in place
 *
 * trusted.overlay.overlay.X is an escaped trusted.overlay.X; any other
 * trusted.overlay.* belongs to the image, not to the tree.
 *
 * Return: true if it belongs to the tree.
 */
bool cfs_xattr_unescape(struct cfs_xattr *xattr);

/**
 * cfs_xattr_visible() - what name does a mounted tree show for a stored xattr?
 * @xattr: its name is rewritten in place
 *
 * As overlayfs on EROFS would: cfs_xattr_unescape(), and of what it leaves only
 * user.*, trusted.*, security.* and POSIX ACLs.
 *
 * Return: true if it is shown.
 */
bool cfs_xattr_visible(struct cfs_xattr *xattr);

/**
 * cfs_xattr_get() - find an xattr by the name a mounted tree shows
 * @name: as cfs_xattr_visible() makes it
 * @ret: the xattr with that name on success, undefined on failure
 *
 * The image's name filter answers most questions for what is not there
 * with one small ->read().
 *
 * Return: 0, -ENODATA, -EFSCORRUPTED, -EOPNOTSUPP or what ->read() returned.
 */
int cfs_xattr_get(const struct cfs_image *image, const struct cfs_inode *inode,
		  const char *name, struct cfs_xattr *ret);

/* ---- cfs_backing.c ---- */

#define CFS_BACKING_PATH_MAX	4096

/**
 * struct cfs_backing - what a regular file's content is
 * @has_digest: the image names an fs-verity SHA-256 digest
 * @path: object path below a basedir, no leading '/', NUL at the end and none
 *	inside; empty if the image names none
 */
struct cfs_backing {
	bool has_digest;
	u8 digest[32];
	u32 path_len;
	char path[CFS_BACKING_PATH_MAX];
};

/** cfs_inode_has_backing() - is the content an object (and not in the image)? */
static inline bool cfs_inode_has_backing(const struct cfs_inode *inode)
{
	return S_ISREG(inode->mode) && inode->size > 0 &&
	       inode->layout == CFS_LAYOUT_CHUNK_BASED;
}

/**
 * cfs_backing_read() - which object is this file's content?
 * @inode: one that cfs_inode_has_backing()
 *
 * The path is checked: no empty, "." or ".." component, so that it can't leave
 * the basedir unless a symlink below it does.
 *
 * Return: 0, -EINVAL if @inode has no object, -EFSCORRUPTED (malformed metacopy
 * or redirect, or no metacopy), -EOPNOTSUPP (a digest that is not SHA-256), or
 * what ->read() returned.
 */
int cfs_backing_read(const struct cfs_image *image,
		     const struct cfs_inode *inode, struct cfs_xattr *scratch,
		     struct cfs_backing *ret);

/**
 * cfs_backing_read_unchecked() - the same, for showing it to people
 *
 * The path is as the image has it, except for one leading '/': it must not be
 * opened.  A malformed or missing metacopy is just no digest.
 */
int cfs_backing_read_unchecked(const struct cfs_image *image,
			       const struct cfs_inode *inode,
			       struct cfs_xattr *scratch,
			       struct cfs_backing *ret);

#endif /* CFS_IMAGE_H */
