// SPDX-License-Identifier: GPL-2.0
/* Header, superblock, inodes, and the bytes that inodes hold in the image. */
#include "cfs_image.h"
#include "cfs_read.h"

#define NSEC_LIMIT	1000000000U

int cfs_read(const struct cfs_image *image, u64 offset, void *buf, size_t len)
{
	if (offset > image->size || len > image->size - offset)
		return -EFSCORRUPTED;
	if (len == 0)
		return 0;
	return image->source->read(image->source, offset, buf, len);
}

static int check_header(struct cfs_image *image)
{
	struct cfs_header header;
	int err = cfs_read(image, 0, &header, sizeof(header));

	if (err)
		return err;
	if (le32_to_cpu(header.magic) != CFS_HEADER_MAGIC)
		return -EINVAL;
	if (le32_to_cpu(header.version) != CFS_HEADER_VERSION)
		return -EOPNOTSUPP;
	if (le32_to_cpu(header.flags) & ~CFS_HEADER_FLAG_HAS_ACL)
		return -EOPNOTSUPP;
	image->has_acl = le32_to_cpu(header.flags) & CFS_HEADER_FLAG_HAS_ACL;
	image->composefs_version = le32_to_cpu(header.composefs_version);
	if (image->composefs_version > CFS_VERSION_READ_MAX)
		return -EOPNOTSUPP;
	return 0;
}

/* Everything an EROFS superblock can ask for beyond what images use. */
static bool wants_more_erofs(const struct cfs_super *super)
{
	return (le32_to_cpu(super->feature_compat) & ~CFS_FEATURE_COMPAT_ALL) ||
	       (le32_to_cpu(super->feature_incompat) & ~CFS_FEATURE_INCOMPAT_ALL) ||
	       super->blkszbits != CFS_BLOCK_BITS ||
	       super->sb_extslots || super->meta_blkaddr ||
	       super->available_compr_algs || super->extra_devices ||
	       super->devt_slotoff || super->dirblkbits ||
	       super->xattr_prefix_count || super->packed_nid;
}

static int check_super(struct cfs_image *image)
{
	struct cfs_super super;
	u64 size;
	int err = cfs_read(image, CFS_SB_OFFSET, &super, sizeof(super));

	if (err)
		return err;
	if (le32_to_cpu(super.magic) != CFS_SB_MAGIC)
		return -EINVAL;
	if (wants_more_erofs(&super))
		return -EOPNOTSUPP;
	size = (u64)le32_to_cpu(super.blocks) << CFS_BLOCK_BITS;
	if (size < CFS_IMAGE_SIZE_MIN || size > image->size)
		return -EFSCORRUPTED;	/* truncated */
	image->size = size;
	image->inos = le64_to_cpu(super.inos);
	image->root_nid = le16_to_cpu(super.root_nid);
	image->build_time = (s64)le64_to_cpu(super.build_time);
	image->build_time_nsec = le32_to_cpu(super.build_time_nsec);
	if (image->build_time_nsec >= NSEC_LIMIT)
		return -EFSCORRUPTED;
	image->xattr_blkaddr = le32_to_cpu(super.xattr_blkaddr);
	/* A filter that is "reserved" hashes in a way not known here. */
	image->has_xattr_filter = (le32_to_cpu(super.feature_compat) &
				   CFS_FEATURE_COMPAT_XATTR_FILTER) &&
				  !super.xattr_filter_reserved;
	return 0;
}

int cfs_image_open(struct cfs_image *image, const struct cfs_source *source)
{
	struct cfs_inode root;
	int err;

	image->source = source;
	image->size = source->size;
	if (source->size < CFS_IMAGE_SIZE_MIN)
		return -EINVAL;
	err = check_header(image);
	if (err)
		return err;
	err = check_super(image);
	if (err)
		return err;
	err = cfs_inode_read(image, image->root_nid, &root);
	if (err)
		return err;
	return S_ISDIR(root.mode) ? 0 : -EFSCORRUPTED;
}

u8 cfs_file_type(u32 mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return CFS_FT_REG;
	case S_IFDIR:
		return CFS_FT_DIR;
	case S_IFCHR:
		return CFS_FT_CHR;
	case S_IFBLK:
		return CFS_FT_BLK;
	case S_IFIFO:
		return CFS_FT_FIFO;
	case S_IFSOCK:
		return CFS_FT_SOCK;
	case S_IFLNK:
		return CFS_FT_LNK;
	}
	return 0;
}

/*
 * Where whole blocks and tail are, and that they are inside the image.  With
 * an inline tail the last block of data, full or not, is the tail, and it must
 * not cross a block of the image.
 */
static int place_data(const struct cfs_image *image, u32 first_block,
		      struct cfs_inode *inode)
{
	u64 in_blocks = inode->size;

	inode->tail_len = 0;
	if (inode->layout == CFS_LAYOUT_FLAT_INLINE && inode->size > 0) {
		in_blocks = (inode->size - 1) &
			    ~(u64)(CFS_BLOCK_SIZE - 1);
		inode->tail_len = (u32)(inode->size - in_blocks);
		if ((inode->tail_offset & (CFS_BLOCK_SIZE - 1)) +
		    inode->tail_len > CFS_BLOCK_SIZE)
			return -EFSCORRUPTED;
		if (inode->tail_len > image->size - inode->tail_offset)
			return -EFSCORRUPTED;
	}
	inode->data_offset = (u64)first_block << CFS_BLOCK_BITS;
	if (in_blocks == 0)
		return 0;
	if (first_block == 0 || inode->data_offset > image->size ||
	    in_blocks > image->size - inode->data_offset)
		return -EFSCORRUPTED;
	return 0;
}

/*
 * The chunk map itself says only "hole" and is never read: what is checked is
 * that another EROFS reader would find as many holes as the size asks for.
 */
static int check_chunks(u32 u, struct cfs_inode *inode)
{
	u32 format = u & 0xffff;

	if (format & ~CFS_CHUNK_BITS_MASK)
		return -EOPNOTSUPP;
	if (inode->size > CFS_BACKING_SIZE_MAX)
		return -EFSCORRUPTED;
	inode->chunk_bits = (u8)((format & CFS_CHUNK_BITS_MASK) +
				 CFS_BLOCK_BITS);
	if (inode->size > (u64)CFS_CHUNKS_MAX << inode->chunk_bits)
		return -EFSCORRUPTED;
	return 0;
}

/* What each type of file may look like. */
static int check_type(const struct cfs_image *image, u32 u,
		      struct cfs_inode *inode)
{
	bool chunked = inode->layout == CFS_LAYOUT_CHUNK_BASED;

	inode->rdev = 0;
	inode->chunk_bits = 0;
	inode->data_offset = 0;
	inode->tail_len = 0;
	switch (inode->mode & S_IFMT) {
	case S_IFREG:
		if (chunked)
			return check_chunks(u, inode);
		if (inode->size > CFS_INLINE_FILE_MAX)
			return -EFSCORRUPTED;
		return place_data(image, u, inode);
	case S_IFDIR:
		if (chunked || inode->size == 0 || inode->nlink < 2)
			return -EFSCORRUPTED;
		return place_data(image, u, inode);
	case S_IFLNK:
		if (chunked || inode->size == 0 ||
		    inode->size > CFS_SYMLINK_MAX)
			return -EFSCORRUPTED;
		return place_data(image, u, inode);
	case S_IFCHR:
	case S_IFBLK:
		inode->rdev = u;
		return chunked || inode->size ? -EFSCORRUPTED : 0;
	case S_IFIFO:
	case S_IFSOCK:
		return chunked || inode->size ? -EFSCORRUPTED : 0;
	}
	return -EFSCORRUPTED;
}

static int check_layout(u32 format, struct cfs_inode *inode)
{
	if (format & ~CFS_FORMAT_KNOWN)
		return -EOPNOTSUPP;
	inode->layout = (format >> CFS_FORMAT_LAYOUT_SHIFT) &
			CFS_FORMAT_LAYOUT_MASK;
	switch (inode->layout) {
	case CFS_LAYOUT_FLAT_PLAIN:
	case CFS_LAYOUT_FLAT_INLINE:
	case CFS_LAYOUT_CHUNK_BASED:
		return 0;
	}
	return -EOPNOTSUPP;
}

static void decode_compact(const struct cfs_image *image,
			   const struct cfs_inode_compact *raw, u32 *ret_u,
			   struct cfs_inode *inode)
{
	inode->mode = le16_to_cpu(raw->mode);
	inode->nlink = le16_to_cpu(raw->nlink);
	inode->size = le32_to_cpu(raw->size);
	inode->ino = le32_to_cpu(raw->ino);
	inode->uid = le16_to_cpu(raw->uid);
	inode->gid = le16_to_cpu(raw->gid);
	inode->mtime_sec = image->build_time;
	inode->mtime_nsec = image->build_time_nsec;
	*ret_u = le32_to_cpu(raw->u);
}

static void decode_extended(const struct cfs_inode_extended *raw, u32 *ret_u,
			    struct cfs_inode *inode)
{
	inode->mode = le16_to_cpu(raw->mode);
	inode->nlink = le32_to_cpu(raw->nlink);
	inode->size = le64_to_cpu(raw->size);
	inode->ino = le32_to_cpu(raw->ino);
	inode->uid = le32_to_cpu(raw->uid);
	inode->gid = le32_to_cpu(raw->gid);
	inode->mtime_sec = (s64)le64_to_cpu(raw->mtime);
	inode->mtime_nsec = le32_to_cpu(raw->mtime_nsec);
	*ret_u = le32_to_cpu(raw->u);
}

int cfs_inode_read(const struct cfs_image *image, u64 nid,
		   struct cfs_inode *ret)
{
	union {
		struct cfs_inode_compact compact;
		struct cfs_inode_extended extended;
	} raw;
	const size_t compact_len = sizeof(raw.compact);
	const size_t extended_len = sizeof(raw.extended);
	u64 offset;
	u32 format, xattr_icount, header_len, u;
	size_t len;
	int err;

	if (nid > image->size >> CFS_SLOT_BITS)
		return -EFSCORRUPTED;
	offset = nid << CFS_SLOT_BITS;
	if (offset < CFS_INODES_OFFSET || offset >= image->size)
		return -EFSCORRUPTED;
	/* Most inodes end before the block does: one read for both forms. */
	len = CFS_BLOCK_SIZE - (offset & (CFS_BLOCK_SIZE - 1));
	if (len > extended_len)
		len = extended_len;
	err = cfs_read(image, offset, &raw, len);
	if (err)
		return err;
	format = le16_to_cpu(raw.compact.format);
	xattr_icount = le16_to_cpu(raw.compact.xattr_icount);
	ret->nid = nid;
	err = check_layout(format, ret);
	if (err)
		return err;
	if (format & CFS_FORMAT_EXTENDED) {
		if (len < extended_len) {
			err = cfs_read(image, offset + len, (u8 *)&raw + len,
				       extended_len - len);
			if (err)
				return err;
		}
		decode_extended(&raw.extended, &u, ret);
		header_len = extended_len;
	} else {
		decode_compact(image, &raw.compact, &u, ret);
		header_len = compact_len;
	}
	if (ret->mtime_nsec >= NSEC_LIMIT)
		return -EFSCORRUPTED;

	ret->xattr_offset = offset + header_len;
	ret->xattr_len = 0;
	if (xattr_icount > 0)
		ret->xattr_len = sizeof(struct cfs_xattr_header) +
				 (xattr_icount - 1) * 4;
	ret->tail_offset = ret->xattr_offset + ret->xattr_len;
	if (ret->tail_offset > image->size)
		return -EFSCORRUPTED;
	return check_type(image, u, ret);
}

/*
 * Where @len bytes of data at @offset begin in the image, in *@ret_at, and how many of
 * them lie there together, in *@ret_n: whole blocks and tail are in two places.
 */
static int locate_data(const struct cfs_inode *inode, u64 offset, size_t len,
		       u64 *ret_at, size_t *ret_n)
{
	u64 tail_start = inode->size - inode->tail_len;

	if (inode->layout == CFS_LAYOUT_CHUNK_BASED || offset > inode->size ||
	    len > inode->size - offset)
		return -EINVAL;
	*ret_n = len;
	if (offset >= tail_start) {
		*ret_at = inode->tail_offset + (offset - tail_start);
		return 0;
	}
	*ret_at = inode->data_offset + offset;
	if (len > tail_start - offset)
		*ret_n = (size_t)(tail_start - offset);
	return 0;
}

int cfs_data_read(const struct cfs_image *image, const struct cfs_inode *inode,
		  u64 offset, void *buf, size_t len)
{
	size_t n;
	u64 at;
	int err = locate_data(inode, offset, len, &at, &n);

	if (!err)
		err = cfs_read(image, at, buf, n);
	if (err || n == len)
		return err;
	return cfs_read(image, inode->tail_offset, (u8 *)buf + n, len - n);
}

int cfs_data_lend(const struct cfs_image *image, const struct cfs_inode *inode,
		  u64 offset, size_t len, struct cfs_loan *loan)
{
	size_t n;
	u64 at;
	int err = locate_data(inode, offset, len, &at, &n);

	if (err)
		return err;
	if (n < len || at > image->size || len > image->size - at ||
	    (at & (CFS_BLOCK_SIZE - 1)) + len > CFS_BLOCK_SIZE)
		return -EFSCORRUPTED;
	return image->source->lend(image->source, at, len, loan);
}

int cfs_symlink_read(const struct cfs_image *image,
		     const struct cfs_inode *inode, char *buf)
{
	int err;

	if (!S_ISLNK(inode->mode))
		return -EINVAL;
	err = cfs_data_read(image, inode, 0, buf, (size_t)inode->size);
	if (err)
		return err;
	if (memchr(buf, '\0', (size_t)inode->size))
		return -EFSCORRUPTED;
	buf[inode->size] = '\0';
	return 0;
}
