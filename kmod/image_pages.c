// SPDX-License-Identifier: GPL-2.0
/*
 * The bytes of an image, from the page cache of its file.
 *
 * The file's own pages are used, so fs-verity of the file is checked by the file
 * system that holds it, page by page, and all mounts of an image share them.
 */
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fsverity.h>
#include <linux/highmem.h>
#include <linux/pagemap.h>
#include <linux/swap.h>

#include "internal.h"

/*
 * Read this much around a page that is not there.  Inodes are stored in the order in
 * which a walk meets them, so the neighbours are wanted next; and who has come to the
 * start of a window will probably want the one behind it.
 */
#define WINDOW_PAGES	(SZ_128K >> PAGE_SHIFT)

/* Start to read a window.  FMODE_RANDOM: just that, and no guesses. */
static void read_window(struct file *file, pgoff_t start)
{
	page_cache_sync_readahead(file->f_mapping, &file->f_ra, file, start,
				  WINDOW_PAGES);
}

static bool is_cached(struct file *file, pgoff_t index)
{
	struct folio *folio = filemap_get_folio(file->f_mapping, index);

	if (IS_ERR(folio))
		return false;
	folio_put(folio);
	return true;
}

static struct folio *get_folio(struct file *file, pgoff_t index)
{
	struct address_space *mapping = file->f_mapping;
	pgoff_t start = round_down(index, WINDOW_PAGES);
	pgoff_t end = DIV_ROUND_UP(i_size_read(file_inode(file)), PAGE_SIZE);
	struct folio *folio = filemap_get_folio(mapping, index);

	if (IS_ERR(folio))
		read_window(file, start);
	if (index == start && start + WINDOW_PAGES < end &&
	    !is_cached(file, start + WINDOW_PAGES))
		read_window(file, start + WINDOW_PAGES);
	if (!IS_ERR(folio)) {
		if (likely(folio_test_uptodate(folio))) {
			folio_mark_accessed(folio);
			return folio;
		}
		folio_put(folio);
	}
	return read_mapping_folio(mapping, index, file);
}

/* The file may have become shorter; a page behind its end is zeros. */
static bool is_inside(struct file *file, u64 offset, size_t len)
{
	return offset + len <= i_size_read(file_inode(file));
}

/* A block of the image is never larger than a page. */
static int lend_page(const struct cfs_source *source, u64 offset, size_t len,
		     struct cfs_loan *ret)
{
	const struct cfs_fs *fs = container_of(source, struct cfs_fs, source);
	struct file *file = fs->image_file;
	struct folio *folio;

	if (!is_inside(file, offset, len))
		return -EFSCORRUPTED;
	folio = get_folio(file, offset >> PAGE_SHIFT);
	if (IS_ERR(folio))
		return PTR_ERR(folio);
	ret->owner = folio;
	ret->bytes = kmap_local_folio(folio, offset_in_folio(folio, offset));
	return 0;
}

static void give_page_back(struct cfs_loan *loan)
{
	kunmap_local(loan->bytes);
	folio_put(loan->owner);
}

static int read_pages(const struct cfs_source *source, u64 offset, void *buf,
		      size_t len)
{
	const struct cfs_fs *fs = container_of(source, struct cfs_fs, source);
	struct file *file = fs->image_file;

	if (!is_inside(file, offset, len))
		return -EFSCORRUPTED;
	while (len > 0) {
		struct folio *folio = get_folio(file, offset >> PAGE_SHIFT);
		size_t start, n;

		if (IS_ERR(folio))
			return PTR_ERR(folio);
		start = offset_in_folio(folio, offset);
		n = min(len, folio_size(folio) - start);
		memcpy_from_folio(buf, folio, start, n);
		folio_put(folio);
		buf += n;
		offset += n;
		len -= n;
	}
	return 0;
}

/**
 * cfs_image_pages_open() - open the image file named as source
 * @fs: its image_file and source are set on success
 * @fc: has the source's name
 *
 * With the caller's credentials and in the caller's namespace, like any mount
 * of a file.
 *
 * Return: 0 or -errno, explained in the context's log.
 */
int cfs_image_pages_open(struct cfs_fs *fs, struct fs_context *fc)
{
	struct file *file;
	struct inode *inode;

	if (!fc->source)
		return invalfc(fc, "No composefs source specified");
	file = filp_open(fc->source, O_RDONLY | O_LARGEFILE | O_NONBLOCK, 0);
	if (IS_ERR(file)) {
		errorfc(fc, "cannot open image '%s': %ld", fc->source,
			PTR_ERR(file));
		return PTR_ERR(file);
	}
	inode = file_inode(file);
	if (!S_ISREG(inode->i_mode)) {
		fput(file);
		return invalfc(fc, "image '%s' is not a regular file",
			       fc->source);
	}
	if (IS_DAX(inode) || !file->f_mapping->a_ops->read_folio) {
		fput(file);
		return invalfc(fc, "image '%s' is on a file system without a page cache (%s)",
			       fc->source, inode->i_sb->s_type->name);
	}
	spin_lock(&file->f_lock);
	file->f_mode |= FMODE_RANDOM;
	spin_unlock(&file->f_lock);
	fs->image_file = file;
	fs->source.size = i_size_read(inode);
	fs->source.read = read_pages;
	fs->source.lend = lend_page;
	fs->source.give_back = give_page_back;
	return 0;
}

/**
 * cfs_image_pages_check_digest() - does the image file have this fs-verity digest?
 * @fs: its image_file is open
 * @fc: for its log
 * @want: SHA-256
 *
 * Return: 0, -ENODATA without fs-verity, -EINVAL if it has another digest;
 * explained in the context's log.
 */
int cfs_image_pages_check_digest(struct cfs_fs *fs, struct fs_context *fc,
				 const u8 *want)
{
	u8 found[FS_VERITY_MAX_DIGEST_SIZE];
	u8 algorithm;
	int len = fsverity_get_digest(file_inode(fs->image_file), found,
				      &algorithm, NULL);

	if (len <= 0) {
		errorfc(fc, "image has no fs-verity digest, digest=%*phN wants one: enable fs-verity on '%s'",
			CFS_DIGEST_SIZE, want, fc->source);
		return -ENODATA;
	}
	if (algorithm != FS_VERITY_HASH_ALG_SHA256 || len != CFS_DIGEST_SIZE ||
	    memcmp(found, want, CFS_DIGEST_SIZE))
		return invalfc(fc, "image has the wrong fs-verity digest: expected %*phN, found %*phN",
			       CFS_DIGEST_SIZE, want, len, found);
	return 0;
}
