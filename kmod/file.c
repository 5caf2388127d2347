// SPDX-License-Identifier: GPL-2.0
/*
 * Opened files.
 *
 * Objects: everything is handed on to the backing file, whose page cache is the
 * only one; our own mapping stays empty.  Small files whose content is in the
 * image have pages of their own, filled from the image; empty files too, with
 * nothing to fill.
 */
#include <linux/fadvise.h>
#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/pagemap.h>

#include "internal.h"

static const struct cred *mounter(const struct file *file)
{
	return cfs_fs(file_inode(file)->i_sb)->cred;
}

static int object_open(struct inode *inode, struct file *file)
{
	int err = cfs_open(inode, file);
	const struct file *real = file->private_data;

	if (!err)
		file->f_mode |= real->f_mode &
				(FMODE_NOWAIT | FMODE_CAN_ODIRECT);
	return err;
}

static int object_release(struct inode *inode, struct file *file)
{
	fput(file->private_data);
	cfs_object_drop_stale_hit(inode,
				  READ_ONCE(cfs_fs(inode->i_sb)->generation));
	return 0;
}

static ssize_t object_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct file *file = iocb->ki_filp;
	struct backing_file_ctx ctx = compat_backing_ctx(file, mounter(file));

	return backing_file_read_iter(file->private_data, to, iocb,
				      iocb->ki_flags, &ctx);
}

static ssize_t object_splice_read(struct file *file, loff_t *pos,
				  struct pipe_inode_info *pipe, size_t len,
				  unsigned int flags)
{
	struct backing_file_ctx ctx = compat_backing_ctx(file, mounter(file));

	return compat_backing_file_splice_read(file, file->private_data, pos,
					       pipe, len, flags, &ctx);
}

static int object_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct backing_file_ctx ctx = compat_backing_ctx(file, mounter(file));

	return backing_file_mmap(file->private_data, vma, &ctx);
}

static int object_fadvise(struct file *file, loff_t offset, loff_t len,
			  int advice)
{
	return vfs_fadvise(file->private_data, offset, len, advice);
}

/* Only the backing file knows where its holes are. */
static loff_t object_llseek(struct file *file, loff_t offset, int whence)
{
	struct inode *inode = file_inode(file);
	loff_t pos;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return generic_file_llseek(file, offset, whence);
	pos = vfs_llseek(file->private_data, offset, whence);
	if (pos < 0)
		return pos;
	return vfs_setpos(file, pos, inode->i_sb->s_maxbytes);
}

const struct file_operations cfs_object_fops = {
	.open = object_open,
	.release = object_release,
	.llseek = object_llseek,
	.read_iter = object_read_iter,
	.splice_read = object_splice_read,
	.mmap = object_mmap,
	.fadvise = object_fadvise,
	.fsync = noop_fsync,
};

/* Only says that O_DIRECT may be asked for; the backing file decides. */
const struct address_space_operations cfs_object_aops = {
	.direct_IO = noop_direct_IO,
};

static int inline_open(struct inode *inode, struct file *file)
{
	file->f_mode |= FMODE_NOWAIT | FMODE_CAN_ODIRECT;
	return 0;
}

/* There are no blocks to read directly: O_DIRECT means an ordinary read. */
static ssize_t inline_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	iocb->ki_flags &= ~IOCB_DIRECT;
	return generic_file_read_iter(iocb, to);
}

static int inline_read_folio(struct file *file, struct folio *folio)
{
	struct inode *inode = folio->mapping->host;
	loff_t pos = folio_pos(folio);
	loff_t size = i_size_read(inode);
	size_t n = 0;
	void *bytes = kmap_local_folio(folio, 0);
	int err = 0;

	if (pos < size)
		n = min_t(loff_t, size - pos, PAGE_SIZE);
	if (n)
		err = cfs_data_read(&cfs_fs(inode->i_sb)->image,
				    &cfs_info(inode)->disk, pos, bytes, n);
	memset(bytes + n, 0, PAGE_SIZE - n);
	kunmap_local(bytes);
	flush_dcache_folio(folio);
	folio_end_read(folio, !err);
	if (err)
		return cfs_image_error(inode->i_sb, cfs_info(inode)->disk.nid,
				       "inline content", err);
	return 0;
}

const struct file_operations cfs_inline_fops = {
	.open = inline_open,
	.llseek = generic_file_llseek,
	.read_iter = inline_read_iter,
	.splice_read = filemap_splice_read,
	.mmap = generic_file_readonly_mmap,
	.fsync = noop_fsync,
};

const struct address_space_operations cfs_inline_aops = {
	.read_folio = inline_read_folio,
	.direct_IO = noop_direct_IO,
};
