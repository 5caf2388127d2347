// SPDX-License-Identifier: GPL-2.0
/*
 * Inodes: what the image says about a file, as the VFS wants it.
 *
 * An inode's number is its place in the image (nid), so it is stable and nothing
 * has to be searched.  Inodes live as long as a name or an open file needs them;
 * the dentry cache is the cache.
 */
#include <linux/pagemap.h>
#include <linux/posix_acl.h>
#include <linux/slab.h>

#include "internal.h"

static struct kmem_cache *inode_cache;

static const struct inode_operations file_iops = {
	.listxattr = cfs_listxattr,
	.get_inode_acl = cfs_get_inode_acl,
};

static const struct inode_operations symlink_iops = {
	.get_link = simple_get_link,
	.listxattr = cfs_listxattr,
};

static int test_nid(struct inode *inode, void *data)
{
	return cfs_info(inode)->disk.nid == *(u64 *)data;
}

static int set_nid(struct inode *inode, void *data)
{
	cfs_info(inode)->disk.nid = *(u64 *)data;
	return 0;
}

/* Read at once, so that following it needs no memory and never sleeps. */
static int set_symlink(struct inode *inode, const struct cfs_inode *disk)
{
	struct cfs_fs *fs = cfs_fs(inode->i_sb);
	char *target = kmalloc(disk->size + 1, GFP_KERNEL_ACCOUNT);
	int err;

	if (!target)
		return -ENOMEM;
	err = cfs_symlink_read(&fs->image, disk, target);
	if (err) {
		kfree(target);
		return err;
	}
	inode_set_cached_link(inode, target, disk->size);
	return 0;
}

static int set_type(struct inode *inode, const struct cfs_inode *disk)
{
	inode->i_op = &file_iops;
	switch (disk->mode & S_IFMT) {
	case S_IFDIR:
		inode->i_op = &cfs_dir_iops;
		inode->i_fop = &cfs_dir_fops;
		return 0;
	case S_IFREG:
		if (cfs_inode_has_backing(disk)) {
			inode->i_fop = &cfs_object_fops;
			inode->i_mapping->a_ops = &cfs_object_aops;
		} else {
			inode->i_fop = &cfs_inline_fops;
			inode->i_mapping->a_ops = &cfs_inline_aops;
		}
		return 0;
	case S_IFLNK:
		inode->i_op = &symlink_iops;
		return set_symlink(inode, disk);
	default:
		/* i_rdev is encoded as stat(2) does in 32 bits */
		init_special_inode(inode, disk->mode,
				   new_decode_dev(disk->rdev));
		return 0;
	}
}

static int fill_inode(struct inode *inode)
{
	struct cfs_fs *fs = cfs_fs(inode->i_sb);
	struct cfs_inode *disk = &cfs_info(inode)->disk;
	struct timespec64 mtime;
	int err = cfs_inode_read(&fs->image, disk->nid, disk);

	if (err)
		return err;
	if (disk->size > inode->i_sb->s_maxbytes)
		return -EFSCORRUPTED;
	inode->i_ino = disk->nid;
	inode->i_mode = disk->mode;
	set_nlink(inode, disk->nlink);
	i_uid_write(inode, disk->uid);
	i_gid_write(inode, disk->gid);
	inode->i_size = disk->size;
	inode->i_blocks = round_up(disk->size, CFS_BLOCK_SIZE) >> 9;
	mtime = (struct timespec64) { disk->mtime_sec, disk->mtime_nsec };
	inode_set_mtime_to_ts(inode, mtime);
	inode_set_atime_to_ts(inode, mtime);
	inode_set_ctime_to_ts(inode, mtime);
	if (!disk->xattr_len)
		cache_no_acl(inode);
	return set_type(inode, disk);
}

/**
 * cfs_iget() - the inode at a place of the image
 * @sb: the mount
 * @nid: untrusted
 *
 * Return: a reference, or ERR_PTR(); -EFSCORRUPTED has been logged.
 */
struct inode *cfs_iget(struct super_block *sb, u64 nid)
{
	struct inode *inode = iget5_locked(sb, (unsigned long)nid, test_nid,
					   set_nid, &nid);
	int err;

	if (!inode)
		return ERR_PTR(-ENOMEM);
	if (!compat_inode_is_new(inode))
		return inode;
	err = fill_inode(inode);
	if (err) {
		iget_failed(inode);
		return ERR_PTR(cfs_image_error(sb, nid, "inode", err));
	}
	unlock_new_inode(inode);
	return inode;
}

struct inode *cfs_alloc_inode(struct super_block *sb)
{
	struct cfs_inode_info *info =
		alloc_inode_sb(sb, inode_cache, GFP_KERNEL);

	if (!info)
		return NULL;
	memset(&info->disk, 0, sizeof(info->disk));
	info->object = NULL;
	return &info->vfs_inode;
}

/* After an RCU grace period: a path walk may have been reading the link. */
void cfs_free_inode(struct inode *inode)
{
	if (S_ISLNK(inode->i_mode))
		kfree(inode->i_link);
	kmem_cache_free(inode_cache, cfs_info(inode));
}

void cfs_evict_inode(struct inode *inode)
{
	truncate_inode_pages_final(&inode->i_data);
	clear_inode(inode);
	cfs_object_free(cfs_info(inode)->object);
}

static void init_once(void *memory)
{
	struct cfs_inode_info *info = memory;

	inode_init_once(&info->vfs_inode);
}

int cfs_inode_cache_create(void)
{
	inode_cache = kmem_cache_create("composefs_inode",
					sizeof(struct cfs_inode_info), 0,
					SLAB_RECLAIM_ACCOUNT | SLAB_ACCOUNT,
					init_once);
	return inode_cache ? 0 : -ENOMEM;
}

/* Once no inode is in use; waits for those that RCU still holds. */
void cfs_inode_cache_destroy(void)
{
	rcu_barrier();
	kmem_cache_destroy(inode_cache);
}
