// SPDX-License-Identifier: GPL-2.0
/*
 * The file system type "composefs": mount, remount, unmount.
 */
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/statfs.h>

#include "internal.h"

/* The image's own numbers: metadata calls never ask a basedir, it may be slow. */
static int statfs(struct dentry *dentry, struct kstatfs *ret)
{
	const struct super_block *sb = dentry->d_sb;
	const struct cfs_image *image = &cfs_fs(sb)->image;

	ret->f_type = CFS_SUPER_MAGIC;
	ret->f_bsize = CFS_BLOCK_SIZE;
	ret->f_blocks = image->size >> CFS_BLOCK_BITS;
	ret->f_files = image->inos;
	ret->f_namelen = CFS_NAME_MAX;
	ret->f_fsid = u64_to_fsid(huge_encode_dev(sb->s_dev));
	return 0;
}

/* The image's own path: what was given may be relative, or /proc/self/fd/N. */
static int show_devname(struct seq_file *m, struct dentry *root)
{
	seq_path(m, &cfs_fs(root->d_sb)->image_file->f_path, " \t\n\\#");
	return 0;
}

static int show_options(struct seq_file *m, struct dentry *root)
{
	struct cfs_fs *fs = cfs_fs(root->d_sb);
	struct cfs_basedirs *dirs = cfs_basedirs_get(fs);

	if (dirs)
		seq_show_option(m, "basedir", dirs->option);
	cfs_basedirs_put(dirs);
	if (fs->has_digest)
		seq_printf(m, ",digest=%*phN", CFS_DIGEST_SIZE, fs->digest);
	seq_printf(m, ",verity_check=%u", fs->verity_check);
	return 0;
}

static const struct super_operations super_ops = {
	.alloc_inode = cfs_alloc_inode,
	.free_inode = cfs_free_inode,
	.evict_inode = cfs_evict_inode,
	.drop_inode = inode_just_drop,
	.statfs = statfs,
	.show_devname = show_devname,
	.show_options = show_options,
	.show_stats = cfs_show_stats,
};

/* Put @dirs in force; @fs takes the reference over. */
static void replace_basedirs(struct cfs_fs *fs, struct cfs_basedirs *dirs)
{
	spin_lock(&fs->lock);
	dirs->generation = fs->generation + 1;
	WRITE_ONCE(fs->generation, dirs->generation);
	swap(fs->basedirs, dirs);
	spin_unlock(&fs->lock);
	cfs_basedirs_put(dirs);
}

static int stack_on(struct super_block *sb, struct fs_context *fc,
		    const struct cfs_basedirs *dirs)
{
	const struct super_block *image_sb =
		file_inode(cfs_fs(sb)->image_file)->i_sb;
	int below = image_sb->s_stack_depth;

	if (dirs)
		below = max(below, dirs->stack_depth);
	if (below + 1 > FILESYSTEM_MAX_STACK_DEPTH)
		return invalfc(fc, "maximum fs stacking depth exceeded: image or basedir is on %d stacked file systems already, the limit is %d",
			       below, FILESYSTEM_MAX_STACK_DEPTH - 1);
	sb->s_stack_depth = below + 1;
	return 0;
}

static int open_image(struct cfs_fs *fs, struct fs_context *fc,
		      const struct cfs_params *params)
{
	int err = cfs_image_pages_open(fs, fc);

	if (!err && params->has_digest) {
		err = cfs_image_pages_check_digest(fs, fc, params->digest);
		memcpy(fs->digest, params->digest, CFS_DIGEST_SIZE);
		fs->has_digest = true;
	}
	if (err)
		return err;
	err = cfs_image_open(&fs->image, &fs->source);
	if (err == -EINVAL)
		return invalfc(fc, "'%s' is not a composefs image", fc->source);
	if (err == -EOPNOTSUPP)
		errorfc(fc, "image '%s' needs a feature that composefs images do not use",
			fc->source);
	else if (err == -EFSCORRUPTED)
		errorfc(fc, "image '%s' is malformed", fc->source);
	else if (err)
		errorfc(fc, "cannot read image '%s': %d", fc->source, err);
	return err;
}

static int fill_super(struct super_block *sb, struct fs_context *fc)
{
	const struct cfs_params *params = fc->fs_private;
	struct cfs_basedirs *dirs = NULL;
	struct cfs_fs *fs;
	struct inode *root;
	int err;

	fs = kzalloc(sizeof(*fs), GFP_KERNEL);
	if (!fs)
		return -ENOMEM;
	sb->s_fs_info = fs;		/* kill_sb() frees what is in it */
	fs->sb = sb;
	spin_lock_init(&fs->lock);
	fs->cred = get_current_cred();
	fs->verity_check = cfs_params_verity_check(params);
	fs->stats = alloc_percpu(struct cfs_stats);
	if (!fs->stats)
		return -ENOMEM;

	err = open_image(fs, fc, params);
	if (err)
		return err;
	if (params->basedir) {
		dirs = cfs_basedirs_open(fc, params->basedir);
		if (IS_ERR(dirs))
			return PTR_ERR(dirs);
		replace_basedirs(fs, dirs);
	} else {
		warnfc(fc, "composefs mount without a basedir, all lookups will fail");
	}
	err = stack_on(sb, fc, dirs);
	if (err)
		return err;

	sb->s_magic = CFS_SUPER_MAGIC;
	sb->s_flags |= SB_RDONLY | SB_NOATIME;
	if (fs->image.has_acl)
		sb->s_flags |= SB_POSIXACL;
	sb->s_maxbytes = MAX_LFS_FILESIZE;
	sb->s_blocksize = CFS_BLOCK_SIZE;
	sb->s_blocksize_bits = CFS_BLOCK_BITS;
	sb->s_time_gran = 1;
	sb->s_op = &super_ops;
	sb->s_xattr = cfs_xattr_handlers;

	root = cfs_iget(sb, fs->image.root_nid);
	if (IS_ERR(root)) {
		errorfc(fc, "cannot read the root of image '%s': %ld",
			fc->source, PTR_ERR(root));
		return PTR_ERR(root);
	}
	sb->s_root = d_make_root(root);
	return sb->s_root ? 0 : -ENOMEM;
}

static int get_tree(struct fs_context *fc)
{
	return get_tree_nodev(fc, fill_super);
}

/*
 * remount: basedir= may be replaced, nothing else.  mount(8) repeats the options
 * of the mount, so they may be given again if they are the same.
 */
static int reconfigure(struct fs_context *fc)
{
	const struct cfs_params *params = fc->fs_private;
	struct super_block *sb = fc->root->d_sb;
	struct cfs_fs *fs = cfs_fs(sb);
	struct cfs_basedirs *dirs;

	fc->sb_flags |= SB_RDONLY;
	if (params->has_digest &&
	    (!fs->has_digest ||
	     memcmp(params->digest, fs->digest, CFS_DIGEST_SIZE)))
		return invalfc(fc, "digest cannot be changed by remount");
	if (params->has_verity_check &&
	    params->verity_check != fs->verity_check)
		return invalfc(fc, "verity_check cannot be changed by remount");
	if (!params->basedir)
		return 0;
	dirs = cfs_basedirs_open(fc, params->basedir);
	if (IS_ERR(dirs))
		return PTR_ERR(dirs);
	/* Another file system may have been stacked on this one meanwhile. */
	if (dirs->stack_depth + 1 > sb->s_stack_depth) {
		cfs_basedirs_put(dirs);
		return invalfc(fc, "the new basedir is on more stacked file systems than the old");
	}
	replace_basedirs(fs, dirs);
	/* Unused inodes let go of the old directories' files. */
	shrink_dcache_sb(sb);
	return 0;
}

static void free_context(struct fs_context *fc)
{
	cfs_params_free(fc->fs_private);
}

static const struct fs_context_operations context_ops = {
	.parse_param = cfs_parse_param,
	.get_tree = get_tree,
	.reconfigure = reconfigure,
	.free = free_context,
};

static int init_fs_context(struct fs_context *fc)
{
	struct cfs_params *params = kzalloc(sizeof(*params), GFP_KERNEL);

	if (!params)
		return -ENOMEM;
	fc->fs_private = params;
	fc->ops = &context_ops;
	fc->sb_flags |= SB_RDONLY;
	return 0;
}

static void kill_sb(struct super_block *sb)
{
	struct cfs_fs *fs = cfs_fs(sb);

	kill_anon_super(sb);
	if (!fs)
		return;
	cfs_basedirs_put(fs->basedirs);
	if (fs->image_file)
		fput(fs->image_file);
	free_percpu(fs->stats);
	put_cred(fs->cred);
	kfree(fs);
}

static struct file_system_type composefs_type = {
	.owner = THIS_MODULE,
	.name = "composefs",
	.init_fs_context = init_fs_context,
	.parameters = cfs_param_spec,
	.kill_sb = kill_sb,
	.fs_flags = FS_ALLOW_IDMAP,
};
MODULE_ALIAS_FS("composefs");

static int __init composefs_init(void)
{
	int err = cfs_inode_cache_create();

	if (err)
		return err;
	err = register_filesystem(&composefs_type);
	if (err)
		cfs_inode_cache_destroy();
	return err;
}

static void __exit composefs_exit(void)
{
	unregister_filesystem(&composefs_type);
	cfs_inode_cache_destroy();
}

module_init(composefs_init);
module_exit(composefs_exit);

MODULE_DESCRIPTION("Images whose files are verified objects");
MODULE_LICENSE("GPL");
