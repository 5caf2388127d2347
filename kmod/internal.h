/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of composefs.ko know of each other.  cfs_*.[ch] are not among
 * them: they read the image and know nothing of the kernel.
 *
 *	mount	super.c -> params.c, image_pages.c, basedir.c
 *	walk	dir.c -> inode.c, xattr.c -> image_pages.c
 *	open()	open.c -> object.c -> basedir.c
 *	read()	file.c
 */
#ifndef INTERNAL_H
#define INTERNAL_H

#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/fs_parser.h>
#include <linux/path.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/xattr.h>

#include "cfs_image.h"
#include "compat.h"

#define CFS_SUPER_MAGIC		0xc078629a	/* statfs(2): as in 2022 */
#define CFS_DIGEST_SIZE		32
#define CFS_BASEDIRS_MAX	500

/* ---- stats.c ---- */

/* Counters of one mount, per CPU; what they count stands in stats.c. */
struct cfs_stats {
	u64 hits;
	u64 misses;
	u64 fetched;
	u64 failed;
	u64 rejected;
	u64 corrupted;
	u64 fetch_wait_ns;
};

#define cfs_count(fs, counter)	this_cpu_inc((fs)->stats->counter)

int cfs_show_stats(struct seq_file *m, struct dentry *root);

/* ---- basedir.c ---- */

/* A private mount of one directory of basedir=. */
struct cfs_basedir {
	struct vfsmount *mnt;
	bool is_trigger;	/* FUSE: opening a file there fetches it */
};

/**
 * struct cfs_basedirs - all directories of basedir=, in order; immutable
 * @generation: differs between the sets of one mount
 * @option: basedir= as it was given
 * @mounts: those of @dirs, to be unmounted together
 */
struct cfs_basedirs {
	refcount_t refs;
	u64 generation;
	int stack_depth;
	unsigned int n_object_dirs;	/* those that are no triggers */
	char *option;
	struct vfsmount **mounts;
	unsigned int n;
	struct cfs_basedir dirs[];
};

int cfs_basedirs_check_count(struct fs_context *fc, const char *option,
			     unsigned int more);
struct cfs_basedirs *cfs_basedirs_open(struct fs_context *fc,
				       const char *option);
void cfs_basedirs_put(struct cfs_basedirs *dirs);

/* ---- the mount ---- */

enum cfs_verity_check {
	CFS_VERITY_OFF = 0,
	CFS_VERITY_IF_DIGEST = 1,
	CFS_VERITY_REQUIRE = 2,
};

/**
 * struct cfs_fs - a mounted image: sb->s_fs_info
 * @cred: the mounter's; backing files are opened with it
 * @lock: protects the pointer @basedirs and @generation; held for a few
 *	instructions, the set itself is reference counted
 */
struct cfs_fs {
	struct super_block *sb;
	struct file *image_file;
	struct cfs_source source;
	struct cfs_image image;
	const struct cred *cred;
	struct cfs_stats __percpu *stats;
	enum cfs_verity_check verity_check;
	bool has_digest;
	u8 digest[CFS_DIGEST_SIZE];	/* the image's, checked */

	spinlock_t lock;
	struct cfs_basedirs *basedirs;	/* NULL without basedir= */
	u64 generation;
};

static inline struct cfs_fs *cfs_fs(const struct super_block *sb)
{
	return sb->s_fs_info;
}

#define cfs_warn(sb, fmt, ...)						\
	pr_warn_ratelimited("composefs: %u:%u: " fmt,			\
			    MAJOR((sb)->s_dev), MINOR((sb)->s_dev),	\
			    ##__VA_ARGS__)

struct cfs_basedirs *cfs_basedirs_get(struct cfs_fs *fs);
int cfs_image_error(struct super_block *sb, u64 nid, const char *what, int err);

/* ---- params.c ---- */

/* What was said at mount or remount time. */
struct cfs_params {
	char *basedir;
	bool has_digest;
	bool has_verity_check;
	u32 verity_check;
	u8 digest[CFS_DIGEST_SIZE];
};

extern const struct fs_parameter_spec cfs_param_spec[];

int cfs_parse_param(struct fs_context *fc, struct fs_parameter *param);
enum cfs_verity_check cfs_params_verity_check(const struct cfs_params *params);
void cfs_params_free(struct cfs_params *params);

/* ---- image_pages.c ---- */

int cfs_image_pages_open(struct cfs_fs *fs, struct fs_context *fc);
int cfs_image_pages_check_digest(struct cfs_fs *fs, struct fs_context *fc,
				 const u8 *want);

/* ---- inode.c ---- */

/**
 * struct cfs_inode_info - an inode in memory
 * @disk: as the image has it, checked
 * @object: regular files with an object: set at the first open, then constant
 */
struct cfs_inode_info {
	struct cfs_inode disk;
	struct cfs_object *object;
	struct inode vfs_inode;
};

static inline struct cfs_inode_info *cfs_info(const struct inode *inode)
{
	return container_of(inode, struct cfs_inode_info, vfs_inode);
}

struct inode *cfs_iget(struct super_block *sb, u64 nid);
int cfs_inode_cache_create(void);
void cfs_inode_cache_destroy(void);
struct inode *cfs_alloc_inode(struct super_block *sb);
void cfs_free_inode(struct inode *inode);
void cfs_evict_inode(struct inode *inode);

/* ---- dir.c ---- */

extern const struct inode_operations cfs_dir_iops;
extern const struct file_operations cfs_dir_fops;

/* ---- xattr.c ---- */

extern const struct xattr_handler * const cfs_xattr_handlers[];

ssize_t cfs_listxattr(struct dentry *dentry, char *buf, size_t size);
struct posix_acl *cfs_get_inode_acl(struct inode *inode, int type, bool rcu);

/* ---- object.c ---- */

/**
 * struct cfs_object - what a regular file's content is, and where it was found
 * @hit: last place where it was found and good, or NULLs; protected by the
 *	inode's i_lock
 * @hit_generation: of the basedirs that @hit is in
 * @hit_parent: of @hit when it was found; only compared
 * @hit_name: hash and length of its name then
 * @path: below a basedir
 */
struct cfs_object {
	struct path hit;
	u64 hit_generation;
	const struct dentry *hit_parent;
	u64 hit_name;
	bool has_digest;
	u8 digest[CFS_DIGEST_SIZE];
	char path[];
};

const struct cfs_object *cfs_object_get(struct inode *inode);
void cfs_object_free(struct cfs_object *object);
bool cfs_object_hit(struct inode *inode, u64 generation, struct path *ret);
void cfs_object_drop_stale_hit(struct inode *inode, u64 generation);
void cfs_object_set_hit(struct inode *inode, u64 generation,
			const struct path *path);

/* ---- open.c ---- */

int cfs_open(struct inode *inode, struct file *file);

/* ---- file.c ---- */

extern const struct file_operations cfs_object_fops;
extern const struct file_operations cfs_inline_fops;
extern const struct address_space_operations cfs_object_aops;
extern const struct address_space_operations cfs_inline_aops;

#endif /* INTERNAL_H */
