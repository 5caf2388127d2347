// SPDX-License-Identifier: GPL-2.0
/*
 * Directories.
 *
 * The image is checked as it is walked: a directory is only entered through the
 * parent that its ".." names.  The root's is the root, so no directory has
 * two parents or is below itself, however the image was made.  Nor has it two
 * names there: the first that is looked up counts, as long as anybody knows it.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "internal.h"

/* Does the ".." of @child lead to @dir? */
static int check_parent(struct cfs_fs *fs, const struct cfs_inode *dir,
			const struct cfs_inode *child)
{
	struct cfs_dir_entry entry;
	int err = cfs_dir_lookup(&fs->image, child, "..", 2, NULL, &entry);

	if (err == -ENOENT)
		return -EFSCORRUPTED;
	if (!err && (entry.nid != dir->nid || child->nid == dir->nid))
		return -EFSCORRUPTED;
	return err;
}

/* The inode that @name leads to, NULL if nothing is to be seen there. */
static struct inode *find(struct inode *dir, const struct qstr *name)
{
	struct super_block *sb = dir->i_sb;
	struct cfs_fs *fs = cfs_fs(sb);
	const struct cfs_inode *disk = &cfs_info(dir)->disk;
	const struct cfs_inode *child;
	struct cfs_dir_entry entry;
	struct inode *inode;
	int err;

	err = cfs_dir_lookup(&fs->image, disk, name->name, name->len, NULL,
			     &entry);
	if (err == -ENOENT)
		return NULL;
	if (err)
		return ERR_PTR(cfs_image_error(sb, disk->nid, "directory",
					       err));
	inode = cfs_iget(sb, entry.nid);
	if (IS_ERR(inode))
		return inode;
	child = &cfs_info(inode)->disk;
	if (cfs_inode_is_whiteout(child)) {
		iput(inode);
		return NULL;
	}
	if (entry.file_type != cfs_file_type(child->mode))
		err = -EFSCORRUPTED;
	else if (S_ISDIR(child->mode))
		err = check_parent(fs, disk, child);
	if (err) {
		iput(inode);
		return ERR_PTR(cfs_image_error(sb, disk->nid,
					       "directory entry", err));
	}
	return inode;
}

/* The dcache would move the directory from its other name to @dentry. */
static bool has_another_name(struct inode *inode, const struct dentry *dentry)
{
	struct dentry *alias = d_find_any_alias(inode);
	bool other;

	if (!alias)
		return false;
	spin_lock(&alias->d_lock);
	other = alias->d_parent != dentry->d_parent ||
		!d_same_name(alias, alias->d_parent, &dentry->d_name);
	spin_unlock(&alias->d_lock);
	dput(alias);
	return other;
}

static struct dentry *lookup(struct inode *dir, struct dentry *dentry,
			     unsigned int flags)
{
	struct inode *inode;

	if (dentry->d_name.len > CFS_NAME_MAX)
		return ERR_PTR(-ENAMETOOLONG);
	inode = find(dir, &dentry->d_name);
	if (!IS_ERR_OR_NULL(inode) && S_ISDIR(inode->i_mode) &&
	    has_another_name(inode, dentry)) {
		iput(inode);
		return ERR_PTR(cfs_image_error(dir->i_sb,
					       cfs_info(dir)->disk.nid,
					       "directory entry",
					       -EFSCORRUPTED));
	}
	return d_splice_alias(inode, dentry);
}

struct emit {
	struct cfs_fs *fs;
	struct dir_context *ctx;
};

/* Return: 1 if the reader wants no more, 0 or -errno. */
static int emit_entry(void *context, const struct cfs_dir_entry *entry,
		      u64 position)
{
	const struct emit *emit = context;

	emit->ctx->pos = position;
	if (entry->file_type == CFS_FT_CHR) {
		struct cfs_inode child;
		int err = cfs_inode_read(&emit->fs->image, entry->nid, &child);

		if (err)
			return err;
		if (cfs_inode_is_whiteout(&child)) {
			/* Of these there can be millions, and the reader gets none. */
			if (fatal_signal_pending(current))
				return -EINTR;
			cond_resched();
			goto next;
		}
	}
	if (!dir_emit(emit->ctx, entry->name, entry->name_len, entry->nid,
		      fs_ftype_to_dtype(entry->file_type)))
		return 1;
next:
	emit->ctx->pos = position + 1;
	return 0;
}

static int iterate(struct file *file, struct dir_context *ctx)
{
	struct inode *dir = file_inode(file);
	struct emit emit = { .fs = cfs_fs(dir->i_sb), .ctx = ctx };
	const struct cfs_inode *disk = &cfs_info(dir)->disk;
	void *block = kmalloc(CFS_BLOCK_SIZE, GFP_KERNEL);
	int err;

	if (!block)
		return -ENOMEM;
	err = cfs_dir_iterate(&emit.fs->image, disk, ctx->pos, block,
			      emit_entry, &emit);
	kfree(block);
	if (err < 0)
		return cfs_image_error(dir->i_sb, disk->nid, "directory", err);
	return 0;
}

const struct inode_operations cfs_dir_iops = {
	.lookup = lookup,
	.listxattr = cfs_listxattr,
	.get_inode_acl = cfs_get_inode_acl,
};

const struct file_operations cfs_dir_fops = {
	.llseek = generic_file_llseek,
	.read = generic_read_dir,
	.iterate_shared = iterate,
};
